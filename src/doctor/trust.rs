//! Which certificates are trusted, and what is wrong with one that is not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

/// A certificate that ends within this time is worth a remark.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// What is wrong with a certificate, or with the conversation that should have shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for another host.
    WrongName,
    /// No known authority stands behind it, or a link of its chain is missing.
    Untrusted,
    /// What answers does not speak TLS, or not as today's clients do.
    Broken(String),
}

/// Authorities: those that Mozilla trusts, and those of `--ca`.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: Arc<RootCertStore>,
}

impl Trust {
    /// Mozilla's authorities, and the certificates of a PEM file besides.
    ///
    /// # Errors
    /// The file cannot be read or holds no certificate.
    pub fn new(ca: Option<&Path>) -> Result<Self, String> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = ca {
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| format!("--ca: cannot read {}: {error}", path.display()))?;
            if certificates.is_empty() {
                return Err(format!("--ca: {} holds no certificate", path.display()));
            }
            for certificate in certificates {
                roots.add(certificate).map_err(|error| format!("--ca: {}: {error}", path.display()))?;
            }
        }
        Ok(Self { roots: Arc::new(roots) })
    }

    /// TLS as a client that offers these protocols.
    pub fn client(&self, protocols: &[&str]) -> Arc<ClientConfig> {
        let mut config = ClientConfig::builder().with_root_certificates(self.roots.clone()).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// Whether a certificate that is good today no longer is in two weeks.
    pub fn ends_soon(&self, chain: &[CertificateDer<'_>], host: &ServerName<'_>) -> bool {
        let Ok(verifier) = WebPkiServerVerifier::builder(self.roots.clone()).build() else { return false };
        let Some((own, above)) = chain.split_first() else { return false };
        let then = UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs()) + SOON);
        verifier.verify_server_cert(own, above, host, &[], then).is_err()
    }
}

/// The fault behind a handshake that failed.
pub fn fault(error: &std::io::Error) -> TlsFault {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        Some(Error::InvalidCertificate(wrong)) => match wrong {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsFault::NotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsFault::WrongName,
            CertificateError::UnknownIssuer => TlsFault::Untrusted,
            other => TlsFault::Broken(format!("its certificate cannot be used: {other}")),
        },
        Some(Error::InvalidMessage(_)) => TlsFault::Broken("what answers there does not speak TLS".to_owned()),
        Some(other) => TlsFault::Broken(other.to_string()),
        None => TlsFault::Broken(format!("the connection ended: {}", error.kind())),
    }
}
