//! Connects to the engine of a destination.

use aws_config::SdkConfig;

/// What a connection needs beside a destination and its secrets.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The function's own role and region.
    pub aws: SdkConfig,
    /// Whether any endpoint may be called, as on test stacks.
    pub any_endpoint: bool,
}

/// Evaluates an expression with the engine of a destination: a macro, since each engine is a type of its own. Settings
/// and secrets are checked once more, right before they are used.
#[macro_export]
macro_rules! with_engine {
    ($surroundings:expr, $destination:expr, $secrets:expr, |$engine:ident| $do:expr) => {{
        let surroundings: &$crate::Surroundings = $surroundings;
        let (destination, secrets) = ($destination, $secrets);
        ::destinations::check_use(destination, secrets, surroundings.any_endpoint)?;
        match destination.vendor.as_str() {
            "postgres" => {
                let (settings, password) = (destination.settings()?, secrets.get("password")?);
                let connecting =
                    $crate::postgres::Postgres::connect(&settings, password, surroundings.any_endpoint);
                let $engine = &mut connecting.await?;
                $do
            }
            "redshift" => {
                let $engine =
                    &mut $crate::redshift::Redshift::connect(&destination.settings()?, &surroundings.aws);
                $do
            }
            "bigquery" => {
                let (settings, credentials) = (destination.settings()?, secrets.get("credentials")?);
                let connecting =
                    $crate::bigquery::BigQuery::connect(&settings, credentials, surroundings.any_endpoint);
                let $engine = &mut connecting.await?;
                $do
            }
            "snowflake" => {
                let (settings, key) = (destination.settings()?, secrets.get("privateKey")?);
                let $engine = &mut $crate::snowflake::Snowflake::connect(&settings, key)?;
                $do
            }
            _ => Err(::model::failure::Failure::permanent("the destination is not a warehouse")),
        }
    }};
}
