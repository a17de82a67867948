//! Connections are encrypted as the URL says, and what keeps them from it has a
//! type.

#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod support;

use std::net::Ipv4Addr;

use cqrs_postgres::{OpenError, PostgresStore};
use cqrs_testkit::postgres::{self, Server};
use support::refused;

/// A URL over the network, with `host` as the server's name.
fn url(address: Ipv4Addr, host: &str, parameters: &str) -> String {
    format!("postgres://postgres@{host}/postgres?hostaddr={address}{parameters}")
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn without_the_feature_what_asks_for_encryption_is_refused_with_its_name() {
    for parameters in ["&sslmode=require", "&sslmode=verify-full", "&sslrootcert=ca.pem"] {
        let url = url(Ipv4Addr::LOCALHOST, "db.example", parameters);
        let error = refused(PostgresStore::options(&url)).await;
        assert!(matches!(error, OpenError::TlsFeature), "{parameters}: {error:?}");
        assert!(error.to_string().contains("the feature `tls` of cqrs-postgres"), "{error}");
        let error =
            cqrs_postgres::Migrator::connect(&url, "cqrs").await.expect_err("it is refused");
        assert!(matches!(error, OpenError::TlsFeature), "{parameters}: {error:?}");
    }
}

#[tokio::test]
async fn where_nothing_asks_for_encryption_a_server_without_it_will_do() {
    let address = postgres::address();
    let _server = Server::with(&[&format!("listen_addresses={address}")]);
    for parameters in ["", "&sslmode=prefer", "&sslmode=disable"] {
        let url = url(address, "db.example", parameters);
        PostgresStore::open(url).await.expect("it opens");
    }
}

#[cfg(feature = "tls")]
mod with_the_feature {
    use std::path::{Path, PathBuf};

    use cqrs_core::store::{EventStore, ReadRequest};
    use cqrs_postgres::Migrator;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    use tokio_postgres::NoTls;

    use super::*;
    use support::{connect, unit, until};

    /// Somebody who signs certificates.
    struct Authority {
        issuer: CertifiedIssuer<'static, KeyPair>,
        folder: tempfile::TempDir,
    }

    impl Authority {
        fn new(name: &str) -> Self {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().expect("there is randomness");
            let issuer = CertifiedIssuer::self_signed(params, key).expect("it can be signed");
            let folder = tempfile::tempdir().expect("there is room");
            std::fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("there is room");
            Self { issuer, folder }
        }

        /// Its own certificate.
        fn file(&self) -> PathBuf {
            self.folder.path().join("ca.pem")
        }

        /// A server whose certificate this one has signed for a host.
        fn server(&self, host: &str) -> (Server, Ipv4Addr) {
            let key = KeyPair::generate().expect("there is randomness");
            let params = CertificateParams::new([host.to_owned()]).expect("it is a name");
            let certificate = params.signed_by(&key, &self.issuer).expect("it can be signed");
            let address = postgres::address();
            let server = Server::encrypted(address, &certificate.pem(), &key.serialize_pem());
            (server, address)
        }
    }

    fn roots(mode: &str, file: &Path) -> String {
        format!("&sslmode={mode}&sslrootcert={}", file.display().to_string().replace('/', "%2F"))
    }

    /// How many connections of stores there are, by whether they are encrypted.
    async fn connections(server: &Server, is_encrypted: bool) -> i64 {
        let client = connect(&server.url()).await;
        let count = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'cqrs' AND ssl = $1";
        client.query_one(count, &[&is_encrypted]).await.expect("it may").get(0)
    }

    #[tokio::test]
    async fn every_connection_is_encrypted() {
        let authority = Authority::new("ours");
        let (server, address) = authority.server("db.example");
        for (n, mode) in (1..).zip(["require", "verify-full"]) {
            let url = url(address, "db.example", &roots(mode, &authority.file()));
            let store = PostgresStore::open(&url).await.expect("it opens");
            store.commit(unit(n)).await.expect("it commits");
            store.read(ReadRequest::all()).await.expect("it reads");
            let listens = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN%')";
            until(&connect(&server.url()).await, listens).await;
            assert!(connections(&server, true).await >= 3, "it writes, reads and listens");
            assert_eq!(connections(&server, false).await, 0);
            Migrator::connect(&url, "cqrs").await.expect("it connects");
        }
    }

    #[tokio::test]
    async fn what_is_preferred_is_encrypted_without_being_verified() {
        let (server, address) = Authority::new("ours").server("db.example");
        for parameters in ["", "&sslmode=prefer"] {
            let url = url(address, "another.example", parameters);
            let _store = PostgresStore::open(url).await.expect("it opens");
            assert!(connections(&server, true).await >= 2);
            assert_eq!(connections(&server, false).await, 0);
        }
    }

    #[tokio::test]
    async fn what_is_disabled_is_not_encrypted() {
        let (server, address) = Authority::new("ours").server("db.example");
        let url = url(address, "db.example", "&sslmode=disable");
        let _store = PostgresStore::open(url).await.expect("it opens");
        assert_eq!(connections(&server, true).await, 0);
        assert!(connections(&server, false).await >= 2);
    }

    #[tokio::test]
    async fn a_certificate_that_somebody_else_has_signed_is_not_trusted() {
        let (_server, address) = Authority::new("ours").server("db.example");
        let another = Authority::new("another");
        for parameters in [
            roots("require", &another.file()),
            roots("prefer", &another.file()),
            "&sslmode=require".to_owned(),
        ] {
            let url = url(address, "db.example", &parameters);
            let error = refused(PostgresStore::options(url)).await;
            assert!(matches!(error, OpenError::Untrusted { .. }), "{parameters}: {error:?}");
            assert!(error.to_string().contains("UnknownIssuer"), "{error}");
            assert!(error.to_string().contains("by `sslrootcert` the file"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_certificate_of_another_host_is_not_trusted() {
        let authority = Authority::new("ours");
        let (_server, address) = authority.server("db.example");
        let url = url(address, "another.example", &roots("require", &authority.file()));
        let error = refused(PostgresStore::options(url)).await;
        let OpenError::Untrusted { reason, .. } = &error else { panic!("{error:?}") };
        assert!(reason.contains("another.example") && reason.contains("db.example"), "{reason}");
    }

    #[tokio::test]
    async fn a_server_that_does_not_encrypt_is_refused_where_it_must() {
        let address = postgres::address();
        let _server = Server::with(&[&format!("listen_addresses={address}")]);
        let url = url(address, "db.example", "&sslmode=require");
        let error = refused(PostgresStore::options(url)).await;
        assert!(matches!(error, OpenError::NoEncryption { .. }), "{error:?}");
        assert!(error.to_string().contains("turn `ssl` on at the server"), "{error}");
    }

    #[tokio::test]
    async fn roots_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().expect("there is room");
        let (missing, empty) = (folder.path().join("missing.pem"), folder.path().join("empty.pem"));
        std::fs::write(&empty, "no certificate").expect("there is room");
        for file in [missing, empty] {
            let url = url(Ipv4Addr::LOCALHOST, "db.example", &roots("require", &file));
            let error = refused(PostgresStore::options(url)).await;
            let OpenError::Roots { place, .. } = &error else { panic!("{error:?}") };
            assert_eq!(place, &file.display().to_string());
        }
    }

    #[tokio::test]
    async fn roots_are_not_for_a_connector_of_ones_own() {
        let url = url(Ipv4Addr::LOCALHOST, "db.example", "&sslrootcert=ca.pem");
        let opened = PostgresStore::options(url).open_with(NoTls).await;
        let error = opened.expect_err("it does not open");
        assert!(matches!(error, OpenError::Url { .. }), "{error:?}");
        assert!(error.to_string().contains("`sslrootcert`"), "{error}");
    }
}
