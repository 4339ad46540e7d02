//! Whether the log of certificates holds what was certified, no more and no less.

use std::collections::BTreeSet;

use model::certificate::{Claims, read};
use model::log::{Hash, HeadClaims, LogHead};

use crate::installation::Installation;

/// What is wrong with the log once all is done.
pub async fn fault(installation: &Installation) -> Option<String> {
    let store = installation.look();
    let entries = store.log_entries(0, 1_000).await.ok()?;
    let mut head = LogHead::default();
    for (index, entry) in (0..).zip(&entries) {
        if entry.index != index {
            return Some(format!("entry {index} of the log is missing"));
        }
        head.append(entry.leaf);
    }
    if head != store.log_head().await.ok()? {
        return Some("the log's head is another than that of its entries".to_owned());
    }
    let logged: BTreeSet<_> =
        entries.iter().map(|entry| (entry.jti.clone(), entry.leaf.to_string())).collect();
    let certificates = texts(installation, "certificates/");
    let certified = certificates.iter().map(|text| {
        let claims: Claims = read(text).expect("a certificate");
        (claims.jti, Hash::leaf(text).to_string())
    });
    if certified.collect::<BTreeSet<_>>() != logged || logged.len() != entries.len() {
        return Some("the log does not hold the certificates that were written, each once".to_owned());
    }
    let signed = store.signed_head().await.ok()?;
    let signed: Option<HeadClaims> = signed.map(|signed| read(&signed.head).expect("a head"));
    match signed {
        None if entries.is_empty() => None,
        Some(signed) if (signed.size, signed.root) == (head.size, head.root()) => None,
        _ => Some("the last head of the log is not signed".to_owned()),
    }
}

/// The files under a prefix of the bucket of certificates, each as it was written first.
fn texts(installation: &Installation, prefix: &str) -> Vec<String> {
    let gate = installation.turnstile.gate();
    let files = gate.world.s3.all.iter();
    let files = files.filter(|((bucket, key), _)| bucket == "audit" && key.starts_with(prefix));
    let content = |versions: &Vec<crate::s3::Stored>| versions.first()?.content.clone();
    files
        .filter_map(|(_, versions)| content(versions))
        .filter_map(|text| String::from_utf8(text).ok())
        .collect()
}
