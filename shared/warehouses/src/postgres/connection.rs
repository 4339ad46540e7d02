//! Opening a connection, with TLS.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::failure;
use destinations::warehouse::postgres::{Postgres as Settings, Tls};
use model::failure::{Failure, Result};

/// What holds for every statement: none runs or waits for a lock for ever; arrays of identifiers are planned as
/// the constants they are; and a policy that would hide rows from us is an error, not an empty answer.
const OPTIONS: &str = "-c statement_timeout=300000 -c lock_timeout=5000 \
                       -c plan_cache_mode=force_custom_plan -c row_security=off";

pub(super) async fn open(settings: &Settings, password: &str) -> Result<Client> {
    let mut config = Config::new();
    config
        .host(&settings.host)
        .port(settings.port)
        .dbname(&settings.database)
        .user(&settings.user)
        .password(password)
        .application_name("lethe")
        .connect_timeout(Duration::from_secs(10))
        .options(OPTIONS);
    match settings.tls {
        Tls::Disable => drive(config.connect(NoTls).await),
        Tls::Require => drive(config.connect(tls(settings)?).await),
    }
}

/// Lets the connection run in the background for as long as its client lives.
fn drive<S, T>(connected: Result<(Client, tokio_postgres::Connection<S, T>), Error>) -> Result<Client>
where
    tokio_postgres::Connection<S, T>: Future<Output = Result<(), Error>> + Send + 'static,
{
    let (client, connection) = connected.map_err(|e| failure(&e))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(error = %failure(&error), "the connection to Postgres ended");
        }
    });
    Ok(client)
}

fn tls(settings: &Settings) -> Result<MakeRustlsConnect> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = &settings.ca_certificate {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            certificate
                .ok()
                .and_then(|certificate| roots.add(certificate).ok())
                .ok_or_else(|| Failure::permanent("settings.caCertificate is not a PEM certificate"))?;
        }
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
