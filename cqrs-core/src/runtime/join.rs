//! Futures side by side, on one task.

/// Runs some futures side by side, to the end of all.
pub(crate) async fn join_all<F: Future + Unpin>(mut runs: Vec<F>) -> Vec<F::Output> {
    let mut ended: Vec<Option<F::Output>> = runs.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        let mut open = false;
        for (run, end) in runs.iter_mut().zip(&mut ended) {
            if end.is_none() {
                match std::pin::Pin::new(run).poll(cx) {
                    std::task::Poll::Ready(value) => *end = Some(value),
                    std::task::Poll::Pending => open = true,
                }
            }
        }
        if open { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    ended.into_iter().flatten().collect()
}
