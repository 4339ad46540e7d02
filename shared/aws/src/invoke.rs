//! Calls the functions that work at destinations, and waits for their answer.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;

use lambda::environment;
use model::destination::DestinationKind;
use model::failure::{Failure, Result};
use model::probe::{Finding, Probe};

/// The functions that work at destinations.
#[derive(Debug, Clone)]
pub struct Workers {
    client: Client,
    purge: String,
    erase: String,
    forward: String,
}

impl Workers {
    /// The functions that the environment names (`PURGE_FUNCTION`, `ERASE_FUNCTION`, `FORWARD_FUNCTION`).
    ///
    /// # Errors
    /// `Permanent`, naming a variable that is missing.
    pub fn from_env(config: &SdkConfig) -> Result<Self> {
        Ok(Self {
            client: Client::new(config),
            purge: environment::required("PURGE_FUNCTION")?,
            erase: environment::required("ERASE_FUNCTION")?,
            forward: environment::required("FORWARD_FUNCTION")?,
        })
    }

    /// Asks the function that works at destinations of this kind to answer a probe. What a probe holds, identifiers or the
    /// secrets of a draft, goes to the function alone: the call is synchronous and over TLS, so that its payload is in no
    /// queue, and neither Lambda nor CloudTrail nor a trace records it.
    ///
    /// # Errors
    /// `Transient`, if it cannot be reached or does not answer.
    pub async fn ask(&self, kind: DestinationKind, probe: &Probe) -> Result<Finding> {
        let function = match kind {
            DestinationKind::Archive => &self.purge,
            DestinationKind::Warehouse => &self.erase,
            DestinationKind::Cloud => &self.forward,
        };
        let payload =
            serde_json::to_vec(probe).map_err(|_| Failure::permanent("a question cannot be put"))?;
        let reply = self.client.invoke().function_name(function).payload(Blob::new(payload)).send().await;
        let reply = reply.map_err(|e| crate::failure("Lambda", &e))?;
        let answer = reply.payload.map(Blob::into_inner).unwrap_or_default();
        if let Some(error) = reply.function_error {
            return Err(Failure::transient("the function that works there did not answer").detail(error));
        }
        serde_json::from_slice(&answer).map_err(|e| {
            Failure::transient("the function that works there answered in another form").detail(e)
        })
    }
}
