//! Opens a connection: with TLS, and to another machine only.

use std::net::IpAddr;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::lookup_host;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::failure;
use destinations::address::{is_remote, is_remote_host};
use destinations::warehouse::postgres::{Postgres as Settings, Tls};
use model::failure::{Failure, Result};

/// Options of every session: no statement runs or waits for a lock for ever, arrays of identifiers are planned as constants,
/// and a policy that would hide rows is an error, not an empty answer.
const OPTIONS: &str = "-c statement_timeout=300000 -c lock_timeout=5000 \
                       -c plan_cache_mode=force_custom_plan -c row_security=off";

pub(super) async fn open(settings: &Settings, password: &str, any_endpoint: bool) -> Result<Client> {
    let mut config = Config::new();
    if any_endpoint {
        config.host(&settings.host);
    } else {
        // A host for each address: the address is where it connects, the host what the certificate must name.
        for address in remote(settings).await? {
            config.host(&settings.host).hostaddr(address);
        }
    }
    config
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

/// The addresses of the host that are another machine's. They are used as they were judged: a name that is asked for twice
/// could lead elsewhere the second time.
async fn remote(settings: &Settings) -> Result<Vec<IpAddr>> {
    let elsewhere =
        || Failure::permanent("settings.host is not another machine: correct the destination and retry");
    if !is_remote_host(&settings.host) {
        return Err(elsewhere());
    }
    let found = lookup_host((settings.host.as_str(), settings.port)).await;
    let found = found.map_err(|_| Failure::transient("the name settings.host cannot be resolved"))?;
    let remote: Vec<_> = found.map(|address| address.ip()).filter(|address| is_remote(*address)).collect();
    if remote.is_empty() { Err(elsewhere()) } else { Ok(remote) }
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    /// As if it had been stored before hosts were checked, or its name leads to this machine.
    #[tokio::test]
    async fn this_machine_and_its_sockets_are_never_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        for host in
            ["localhost", "127.0.0.1", "::ffff:127.0.0.1", "127.1", "/var/run/postgresql", "169.254.169.254"]
        {
            let settings =
                json!({ "host": host, "port": port, "database": "d", "user": "u", "schemas": ["web"] });
            let settings = serde_json::from_value(settings).expect("settings");
            let opened = open(&settings, "secret", false).await.map(drop);
            assert!(!opened.expect_err(host).is_transient(), "{host}");
        }
        assert!(
            timeout(Duration::from_millis(100), listener.accept()).await.is_err(),
            "a connection was made"
        );
    }
}
