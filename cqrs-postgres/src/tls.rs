//! Encryption by rustls.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    WantsVerifier,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::OpenError;

/// Encrypts, with a server whose certificate names it and was signed by one of
/// the roots in a file, or of the system.
pub(crate) fn verified(file: Option<&Path>) -> Result<MakeRustlsConnect, OpenError> {
    let roots = match file {
        Some(file) => of_file(file)?,
        None => of_system()?,
    };
    let config = builder().1.with_root_certificates(roots).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Encrypts, with whatever server answers.
pub(crate) fn any() -> MakeRustlsConnect {
    let (provider, builder) = builder();
    let any = Any(provider.signature_verification_algorithms);
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(any));
    MakeRustlsConnect::new(builder.with_no_client_auth())
}

/// Why a server is not trusted, when that is what went wrong.
pub(crate) fn distrust(error: &tokio_postgres::Error) -> Option<String> {
    let source = std::error::Error::source(error)?.downcast_ref::<io::Error>()?;
    match source.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(reason) => Some(reason.to_string()),
        _ => None,
    }
}

/// Not the provider that the process may have chosen: there may be none.
fn builder() -> (Arc<CryptoProvider>, ConfigBuilder<ClientConfig, WantsVerifier>) {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions();
    (provider, builder.expect("the provider has what every version needs"))
}

fn of_file(file: &Path) -> Result<RootCertStore, OpenError> {
    let failed = |reason: String| OpenError::Roots { place: file.display().to_string(), reason };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file);
    for certificate in certificates.map_err(|error| failed(error.to_string()))? {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(failed("it holds no certificate".to_owned()));
    }
    Ok(roots)
}

fn of_system() -> Result<RootCertStore, OpenError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A system may keep some that nobody can read.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found.errors.first().map(ToString::to_string);
        let reason = reason.unwrap_or_else(|| "there are none".to_owned());
        return Err(OpenError::Roots { place: "the system".to_owned(), reason });
    }
    Ok(roots)
}

/// Any certificate will do: where the connection might as well not be encrypted,
/// a server that lies about itself gains nothing by having one.
#[derive(Debug)]
struct Any(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
