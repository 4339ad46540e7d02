//! Checks a certificate as its reader would: offline, with the published key and nothing of Lethe's code.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::Value;

/// Verifies a compact JWS (ES256) against a key set and answers what it says.
///
/// # Errors
/// When it was not signed by a key of the set.
pub fn verify(jws: &str, keys: &Value) -> Result<Value> {
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, payload, signature] = parts[..] else { anyhow::bail!("no compact JWS: {jws}") };
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header)?)?;
    ensure!(header["alg"] == "ES256", "the algorithm is {}, not ES256", header["alg"]);
    let key = keys["keys"]
        .as_array()
        .and_then(|keys| keys.iter().find(|key| key["kid"] == header["kid"]))
        .with_context(|| format!("no key {} in the key set", header["kid"]))?;
    let coordinate =
        |name: &str| Ok::<_, anyhow::Error>(URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap_or(""))?);
    let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
    let signed = &jws[..jws.len() - signature.len() - 1];
    VerifyingKey::from_sec1_bytes(&point)?
        .verify(signed.as_bytes(), &Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature)?)?)
        .context("the signature does not match")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}
