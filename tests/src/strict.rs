//! What the strict layer of a local AWS (`tests/strict`) tells of a stack.

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::stack::Stack;

impl Stack {
    /// What AWS would have refused its functions, but for what was expected. `tests/strict` holds them to it.
    ///
    /// # Errors
    /// When the local AWS cannot be reached.
    pub async fn refusals(&self) -> Result<Vec<Value>> {
        self.strict(&format!("refusals/{}", self.name)).await
    }

    /// Lets the refusals pass in which this text stands.
    ///
    /// # Errors
    /// When the local AWS cannot be reached.
    pub async fn expect_refusal(&self, text: &str) -> Result<()> {
        let url = format!("{}/_strict/expected/{}", self.aws.url(), self.name);
        self.aws.http().post(url).body(text.to_owned()).send().await?.error_for_status()?;
        Ok(())
    }

    /// Whether an alarm of the template goes off, or will after `seconds` in which nothing happens.
    ///
    /// # Errors
    /// When the local AWS cannot be reached.
    pub async fn alarms(&self, seconds: u32) -> Result<Vec<String>> {
        self.strict(&format!("alarms/{}/{seconds}", self.name)).await
    }

    /// What its functions and state machines have used, in the units that AWS bills.
    ///
    /// # Errors
    /// When the local AWS cannot be reached.
    pub async fn used(&self) -> Result<Value> {
        self.strict(&format!("calls/{}", self.name)).await
    }

    async fn strict<T: DeserializeOwned>(&self, what: &str) -> Result<T> {
        let url = format!("{}/_strict/{what}", self.aws.url());
        Ok(self.aws.http().get(url).send().await?.error_for_status()?.json().await?)
    }
}
