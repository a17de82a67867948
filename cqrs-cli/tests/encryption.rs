//! A URL of PostgreSQL says how the connection is encrypted.

mod support;

use cqrs_testkit::postgres::{self, Server};
use support::run;

#[test]
fn a_server_that_must_be_verified_is_trusted_by_its_certificate_or_refused() {
    let folder = tempfile::tempdir().expect("there is room");
    let made = rcgen::generate_simple_self_signed(["db.example".to_owned()]);
    let rcgen::CertifiedKey { cert, signing_key } = made.expect("it can be signed");
    std::fs::write(folder.path().join("ca.pem"), cert.pem()).expect("there is room");
    let address = postgres::address();
    let _server = Server::encrypted(address, &cert.pem(), &signing_key.serialize_pem());
    let store = format!("postgres://postgres@db.example/postgres?hostaddr={address}");
    let up = |parameters: &str| {
        let store = format!("{store}{parameters}");
        run(folder.path(), &["migrate", "up", "--store", &store])
    };

    up("&sslmode=verify-full&sslrootcert=ca.pem").ends(0);
    let ran = up("&sslmode=require").ends(3);
    assert!(ran.error.contains("is not trusted") && ran.error.contains("sslrootcert"), "{ran:?}");
    up("").ends(0);
}

#[test]
fn a_server_that_does_not_encrypt_is_refused_where_it_must() {
    let folder = tempfile::tempdir().expect("there is room");
    let address = postgres::address();
    let _server = Server::with(&[&format!("listen_addresses={address}")]);
    let store =
        format!("postgres://postgres@db.example/postgres?hostaddr={address}&sslmode=require");
    let ran = run(folder.path(), &["migrate", "status", "--store", &store]).ends(3);
    assert!(ran.error.contains("the server does not encrypt"), "{ran:?}");
}
