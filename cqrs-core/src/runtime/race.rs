//! Two futures of which one ends the other.

use std::task::Poll;

/// What the second future gives, unless the first ends before it.
pub(crate) async fn race<T>(
    limit: impl Future<Output = ()>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let (mut limit, mut work) = (std::pin::pin!(limit), std::pin::pin!(work));
    std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
    })
    .await
}
