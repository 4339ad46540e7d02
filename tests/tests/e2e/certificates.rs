//! Certificates, their log and the proof that a person is on one, verified by the verifier that a stranger has.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::process::{Dir, root};
use tests::world::World;

const PEOPLE: [&str; 3] = ["ada@example.com", "bob-7", "eve"];

/// Whether the verifier says that all holds, and what it says.
fn verify(folder: &Path, arguments: &[&str]) -> Result<(bool, String)> {
    let done = Command::new(root().join(".venv-verify/bin/python"))
        .arg(root().join("functions/audit/verify/verify.py"))
        .current_dir(folder)
        .args(arguments)
        .output()?;
    let told = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    Ok((done.status.success(), told))
}

#[tokio::test]
async fn a_stranger_verifies_certificates_their_log_and_who_is_on_them() -> Result<()> {
    let world = World::new().await?;
    let (api, scratch) = (&world.stack.api, Dir::new("certificates")?);
    let folder: &Path = &scratch;
    let write = |name: &str, value: &Value| fs::write(folder.join(name), value.to_string());
    assert_eq!(api.get("/log").await?["data"], json!({ "size": 0 }), "a log that nobody has signed yet");
    let mut ids = Vec::new();
    for (number, person) in PEOPLE.iter().enumerate() {
        let body =
            json!({ "regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": [person] });
        let made = api.post("/regulations", &body).await?;
        let id = made["data"]["regulateId"].as_str().context("an id")?.to_owned();
        api.wait(&id, |_| ()).await?;
        write(&format!("{number}.json"), &api.get(&format!("/regulations/{id}/certificate")).await?)?;
        ids.push(id);
        if number == 0 {
            write("before.json", &api.get("/log").await?)?;
        }
    }
    write("keys.json", &api.get("/.well-known/jwks.json").await?)?;
    write("log.json", &api.get("/log/entries").await?)?;

    // 1. Each certificate by its receipt, and all by the log.
    let of_all = ["0.json", "1.json", "2.json", "--keys", "keys.json", "--log", "log.json", "--all"];
    let (holds, told) = verify(folder, &of_all)?;
    ensure!(holds && told.contains("All 3 certificates of the log are here"), "{told}");
    let (holds, told) = verify(folder, &of_all[1..])?;
    ensure!(!holds && told.contains(&format!("among them {}-1", ids[0])), "one is missing: {told}");

    // 2. The log that was kept early is the beginning of the later one.
    let [before, after] = ["before.json", "log.json"].map(|name| -> Result<Value> {
        Ok(serde_json::from_str::<Value>(&fs::read_to_string(folder.join(name))?)?["data"]["head"].take())
    });
    let grown = api.get("/log/consistency?from=1&to=3").await?["data"]["hashes"].take();
    let mut growth = json!({ "before": before?, "after": after?, "hashes": grown });
    write("growth.json", &growth)?;
    let asked = ["0.json", "--keys", "keys.json", "--growth", "growth.json"];
    let (holds, told) = verify(folder, &asked)?;
    ensure!(holds && told.contains("the log of 3 begins with the log of 1"), "{told}");
    growth["hashes"][0] = growth["hashes"][1].clone();
    write("growth.json", &growth)?;
    ensure!(!verify(folder, &asked)?.0, "a proof that was changed");

    // 3. Who is on a certificate can be shown; who is not, cannot; and what shows one person shows no other.
    let prove = async |place: usize, person: &str| {
        let body = json!({ "subject": { "type": "USER_ID", "id": person } });
        api.send(Method::POST, &format!("/regulations/{}/proof", ids[place]), Some(&body)).await
    };
    let (status, mut proof) = prove(0, PEOPLE[0]).await?;
    ensure!(status == 200 && proof["data"]["id"] == PEOPLE[0], "{proof}");
    write("proof.json", &proof)?;
    let asked = ["0.json", "1.json", "--keys", "keys.json", "--proof", "proof.json"];
    let (holds, told) = verify(folder, &asked)?;
    ensure!(
        holds && told.contains(&format!("USER_ID ada@example.com is on certificate {}-1", ids[0])),
        "{told}"
    );
    for changed in [json!("bob-7"), json!("ADA@example.com")] {
        proof["data"]["id"] = changed;
        write("proof.json", &proof)?;
        ensure!(!verify(folder, &asked)?.0, "another person");
    }
    assert_eq!(prove(0, PEOPLE[1]).await?.0, 404, "not on this one");
    assert_eq!(prove(0, "").await?.0, 422);

    // 4. What is no place in the log says so.
    for (path, field) in [
        ("/log/consistency?from=2&to=4", "to"),
        ("/log/consistency?from=3&to=2", "from"),
        ("/log/consistency?from=0&to=2", "from"),
        ("/log/consistency?from=1", "to"),
        ("/log/entries?from=-1", "from"),
    ] {
        let (status, answer) = api.send(Method::GET, path, None).await?;
        assert_eq!(
            (status.as_u16(), &answer["errors"][0]["field"]),
            (422, &json!(field)),
            "{path}: {answer}"
        );
    }
    assert_eq!(api.get("/log/entries?from=7").await?["data"]["entries"], json!([]));
    Ok(())
}
