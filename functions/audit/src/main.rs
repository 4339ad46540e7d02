//! Seals a regulation: signs its evidence into a certificate, then drops its identifiers. Each day, it seals the audit
//! trail.

use aws::bucket::Bucket;
use aws::bucket::client;
use aws::secrets::SecretStore;
use aws::signing::Signer;
use lambda::{environment, telemetry};
use lambda_runtime::Error;
use model::certificate::Issuer;
use store::Store;

use audit::{Context, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let context = Context {
        store: Store::from_env(&config),
        secrets: SecretStore::from_env(&config),
        signer: Signer::new(&config),
        issuer: issuer(),
        certificates: Bucket::new(client(&config), environment::required("AUDIT_BUCKET")?),
    };
    telemetry::run(|request, _| handle(&context, request)).await
}

/// The company that certificates name, as the template's parameters say; what is empty is left out.
fn issuer() -> Issuer {
    let set = |name| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
    Issuer { name: set("ISSUER_NAME"), address: set("ISSUER_ADDRESS"), contact: set("ISSUER_CONTACT") }
}
