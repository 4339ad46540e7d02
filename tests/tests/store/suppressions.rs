//! The suppression list, and what is known of people: of two changes the one that was asked for later counts, in
//! whichever order they are carried out.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use model::id::{DestinationId, RegulationId};
use model::linking::Link;
use model::person::{Person, SuppressionScope};
use model::regulation::Regulation;
use model::resolved::Resolved;
use model::source::SourceId;
use model::subject::{Named, Subject, SubjectType};
use model::suppression;
use store::{Change, Sighting, Store};

use crate::regulations::regulation;
use crate::{Fixture, at, twice};

const EVERYWHERE: SuppressionScope = SuppressionScope::Workspace;

fn change(scope: &SuppressionScope, minute: i64) -> Change<'_> {
    Change { scope, at: at(minute), by: None, reason: None, by_link: false }
}

fn at_web() -> Result<SuppressionScope> {
    Ok(SuppressionScope::Source("web".parse()?))
}

fn met(user: &Subject, other: &Subject) -> BTreeSet<Link> {
    [Link { user: user.clone(), other: other.clone() }].into()
}

async fn person(store: &Store, subject: &Subject) -> Result<Person> {
    Ok(store.people([subject]).await?.get(subject).cloned().unwrap_or_default())
}

async fn is_out(store: &Store, subject: &Subject, scope: &SuppressionScope) -> Result<bool> {
    Ok(person(store, subject).await?.all_scopes().contains(scope))
}

#[tokio::test]
async fn who_was_suppressed_first_stays_so_since_then() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    for scope in [EVERYWHERE, at_web()?] {
        let ada = [Subject::user("ada")];
        let (first, second) = (RegulationId::new(), RegulationId::new());
        let by = |by, minute| Change { by: Some(by), reason: Some("asked"), ..change(&scope, minute) };
        twice(async || store.suppress(&ada, &by(&first, 1)).await).await?;
        store.suppress(&ada, &by(&second, 2)).await?;
        let said = store.suppressions_of(&ada[0]).await?;
        let said = said.iter().find(|said| said.scope == scope).context("suppressed")?;
        assert_eq!((said.suppressed_at, said.regulation_id.as_ref()), (at(1), Some(&first)));
        assert_eq!(store.suppressed(&scope, 10, None).await?.items, std::slice::from_ref(said));
    }
    Ok(())
}

#[tokio::test]
async fn the_later_of_two_changes_counts_in_either_order() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    for scope in [EVERYWHERE, at_web()?] {
        let (kept_out, let_in) = ([Subject::user("out")], [Subject::user("in")]);
        // Asked for at 2 and lifted at 1, and the other way round; the later is carried out first.
        store.suppress(&kept_out, &change(&scope, 2)).await?;
        twice(async || store.unsuppress(&kept_out, &change(&scope, 1)).await).await?;
        assert!(is_out(&store, &kept_out[0], &scope).await?);
        store.suppress(&let_in, &change(&scope, 0)).await?;
        twice(async || store.unsuppress(&let_in, &change(&scope, 2)).await).await?;
        twice(async || store.suppress(&let_in, &change(&scope, 1)).await).await?;
        assert!(!is_out(&store, &let_in[0], &scope).await?);
        store.suppress(&let_in, &change(&scope, 3)).await?;
        assert!(is_out(&store, &let_in[0], &scope).await?, "asked for anew");
    }
    // Nobody is known because something was lifted of them.
    let nobody = [Subject::user("nobody")];
    store.unsuppress(&nobody, &change(&EVERYWHERE, 1)).await?;
    assert_eq!(person(&store, &nobody[0]).await?, Person::default());
    Ok(())
}

#[tokio::test]
async fn what_a_withdrawn_regulation_suppressed_is_taken_back_and_nothing_else() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    for scope in [EVERYWHERE, at_web()?] {
        let (own, others, again) =
            ([Subject::user("own")], [Subject::user("others")], [Subject::user("again")]);
        store.suppress(&own, &change(&scope, 5)).await?;
        // One who was out already, and one for whom another asked since.
        store.suppress(&others, &change(&scope, 1)).await?;
        store.suppress(&others, &change(&scope, 5)).await?;
        store.suppress(&again, &change(&scope, 5)).await?;
        store.suppress(&again, &change(&scope, 6)).await?;
        for subjects in [&own, &others, &again] {
            twice(async || store.take_back(subjects, &change(&scope, 5)).await).await?;
        }
        assert!(!is_out(&store, &own[0], &scope).await?);
        assert!(is_out(&store, &others[0], &scope).await?);
        assert!(is_out(&store, &again[0], &scope).await?);
    }
    Ok(())
}

#[tokio::test]
async fn what_was_learnt_of_a_person_is_forgotten() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (ada, phone) = (Subject::user("ada"), Subject::anonymous("phone"));
    let web = "web".parse()?;
    for day in ["2026-01-02T10:00:00Z", "2026-01-03T00:00:00Z"] {
        let seen = Sighting { source: &web, at: day.parse()? };
        twice(async || store.link(&met(&ada, &phone), seen).await).await?;
        twice(async || store.saw(&ada, seen).await).await?;
    }
    let days = person(&store, &ada).await?.seen;
    assert_eq!(days.values().copied().collect::<Vec<_>>(), [("2026-01-02".parse()?, "2026-01-03".parse()?)]);
    assert_eq!(store.linked(std::slice::from_ref(&ada)).await?.subjects, std::slice::from_ref(&phone));

    let everyone = [ada.clone(), phone.clone()];
    twice(async || store.forget_people(&everyone, at(4)).await).await?;
    assert!(store.linked(std::slice::from_ref(&ada)).await?.subjects.is_empty());
    assert!(person(&store, &phone).await?.owners.is_empty());
    assert!(person(&store, &ada).await?.seen.is_empty());
    Ok(())
}

/// A door may act on a list that is half a second old, and write half a minute later.
#[tokio::test]
async fn nothing_is_noted_of_somebody_who_is_suppressed_or_erased_meanwhile() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (web, ios): (SourceId, SourceId) = ("web".parse()?, "ios".parse()?);
    let user = |name: &str| [Subject::user(name)];
    let phone = Subject::anonymous("phone");
    store.suppress(&user("everywhere"), &change(&EVERYWHERE, 1)).await?;
    store.suppress(&user("web"), &change(&at_web()?, 1)).await?;
    store.mark_erased(&user("erased"), &EVERYWHERE, at(2)).await?;
    store.mark_erased(&user("erased at web"), &at_web()?, at(2)).await?;
    store.suppress(&user("lifted"), &change(&EVERYWHERE, 1)).await?;
    store.unsuppress(&user("lifted"), &change(&EVERYWHERE, 3)).await?;
    for (name, source, minute, is_noted) in [
        ("everywhere", &web, 2, false),
        ("everywhere", &ios, 2, false),
        ("web", &web, 2, false),
        ("erased", &ios, 2, false),
        ("erased at web", &web, 2, false),
        ("lifted", &web, 2, false),
        ("web", &ios, 2, true),
        ("erased", &ios, 3, true),
        ("erased at web", &ios, 2, true),
        ("lifted", &web, 3, true),
    ] {
        let seen = Sighting { source, at: at(minute) };
        let [user] = user(name);
        twice(async || store.saw(&user, seen).await).await?;
        twice(async || store.link(&met(&user, &phone), seen).await).await?;
        let known = person(&store, &user).await?;
        let noted = (known.seen.contains_key(source), known.links.contains(&phone));
        assert_eq!(noted, (is_noted, is_noted), "{name} at {source}");
    }
    Ok(())
}

/// The list may hold another id under which the door writes: of a user, whom an `alias` calls a device; of a UUID, in one
/// spelling.
#[tokio::test]
async fn nothing_is_noted_under_another_name_of_somebody_who_is_suppressed() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let web: SourceId = "web".parse()?;
    let seen = Sighting { source: &web, at: at(2) };
    let [ada, cyd] = ["ada", "cyd"].map(Subject::user);
    let (former, tablet) = (Subject::anonymous("former"), Subject::anonymous("tablet"));
    let upper = Subject::anonymous("2C1D3B6E-0A5F-4E7B-9C8D-1A2B3C4D5E6F");
    store.suppress(&[Subject::user("former")], &change(&EVERYWHERE, 1)).await?;
    store.suppress(&[Subject::anonymous(upper.id.to_lowercase())], &change(&EVERYWHERE, 1)).await?;
    let theirs = Change { by_link: true, ..change(&EVERYWHERE, 1) };
    store.suppress(std::slice::from_ref(&tablet), &theirs).await?;
    for other in [&former, &upper] {
        store.link(&met(&ada, other), seen).await?;
        assert!(person(&store, &ada).await?.links.is_empty(), "{other:?}");
    }
    // Some programs send one id as both.
    store.link(&met(&cyd, &Subject::anonymous("cyd")), seen).await?;
    assert_eq!(person(&store, &cyd).await?.links, [Subject::anonymous("cyd")].into());
    // Another's device is still seen with the others who use it.
    store.link(&met(&cyd, &tablet), seen).await?;
    assert_eq!(person(&store, &tablet).await?.owners, ["cyd".to_owned()].into());
    Ok(())
}

/// An event waits on its way for days, while its person is suppressed and let in again, and once more.
#[tokio::test]
async fn every_period_in_which_somebody_was_kept_out_is_remembered() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    for scope in [EVERYWHERE, at_web()?] {
        let ada = [Subject::user("ada")];
        let mut periods = Vec::new();
        for minute in [1, 3, 5] {
            store.suppress(&ada, &change(&scope, minute)).await?;
            twice(async || store.unsuppress(&ada, &change(&scope, minute + 1)).await).await?;
            periods.push((at(minute), at(minute + 1)));
            let mut found = person(&store, &ada[0]).await?.kept_out.remove(&scope).unwrap_or_default();
            found.sort_unstable();
            assert_eq!(found, periods, "{scope}");
        }
    }
    Ok(())
}

/// Events name a UUID as the device writes it, and requests as the company does.
#[tokio::test]
async fn a_uuid_is_one_subject_however_it_is_written() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let web = "web".parse()?;
    let seen = Sighting { source: &web, at: at(1) };
    let text = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    let [lower, upper] = [text.to_owned(), text.to_uppercase()].map(Subject::user);
    let phone = Subject::anonymous("2C1D3B6E-0A5F-4E7B-9C8D-1A2B3C4D5E6F");
    store.link(&met(&upper, &phone), seen).await?;
    store.saw(&upper, seen).await?;
    let named = std::slice::from_ref(&lower);
    assert_eq!(store.linked(named).await?.subjects, std::slice::from_ref(&phone));
    twice(async || store.forget_people(&[lower.clone(), phone.clone()], at(2)).await).await?;
    assert!(store.linked(named).await?.subjects.is_empty() && person(&store, &upper).await?.seen.is_empty());

    twice(async || store.suppress(named, &change(&EVERYWHERE, 3)).await).await?;
    store.mark_erased(named, &EVERYWHERE, at(3)).await?;
    for spelling in lower.spelled() {
        assert!(is_out(&store, &spelling, &EVERYWHERE).await?, "{}", spelling.id);
        assert!(person(&store, &spelling).await?.erased.contains_key(&EVERYWHERE));
    }
    twice(async || store.unsuppress(std::slice::from_ref(&upper), &change(&EVERYWHERE, 4)).await).await?;
    for spelling in lower.spelled() {
        assert!(!is_out(&store, &spelling, &EVERYWHERE).await?, "{}", spelling.id);
    }
    Ok(())
}

/// Of two regulations that hold a device, one is withdrawn: the other goes on holding it.
#[tokio::test]
async fn a_withdrawal_leaves_a_device_to_the_other_regulation() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let phone = [Subject::anonymous("phone")];
    let by_link = |minute| Change { by_link: true, ..change(&EVERYWHERE, minute) };
    for minute in [1, 2] {
        store.suppress(&phone, &by_link(minute)).await?;
    }
    store.take_back(&phone, &by_link(1)).await?;
    assert!(is_out(&store, &phone[0], &EVERYWHERE).await?);
    Ok(())
}

/// Of two erasures of a person, the later one counts, whichever is written last.
#[tokio::test]
async fn the_mark_of_an_erasure_never_goes_back() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let ada = Subject::user("ada");
    for (mark, kept) in [(2, 2), (1, 2), (2, 2), (3, 3)] {
        store.mark_erased(std::slice::from_ref(&ada), &EVERYWHERE, at(mark)).await?;
        assert_eq!(person(&store, &ada).await?.erased.get(&EVERYWHERE), Some(&at(kept)), "{mark}");
    }
    Ok(())
}

/// The first step of the work: done once, so that an attempt days later does not undo what was said since.
#[tokio::test]
async fn a_regulation_is_carried_out_at_the_door_once() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (ada, phone) = (Subject::user("ada"), Subject::anonymous("phone"));
    store.link(&met(&ada, &phone), Sighting { source: &"web".parse()?, at: at(0) }).await?;
    let first = regulation("SUPPRESS_WITH_DELETE", "INITIALIZED")?;
    store.create(&first, vec![ada.clone()], &[], None).await?;
    let before = store.changes().await?;
    let (covered, again) = twice(async || store.cover(&first, false, at(1)).await).await?;
    assert_eq!((covered.subjects, covered.linked), (1, 1));
    assert_eq!((again.subjects, again.linked), (1, 1));
    assert!(store.changes().await? > before, "doors look again");
    assert_eq!(store.everyone(&first.id).await?, [ada.clone(), phone.clone()]);
    for subject in [&ada, &phone] {
        assert!(is_out(&store, subject, &EVERYWHERE).await?);
        assert_eq!(person(&store, subject).await?.erased.get(&EVERYWHERE), Some(&at(1)));
    }

    let lifting = regulation("UNSUPPRESS", "INITIALIZED")?;
    let lifting = Regulation { created_at: at(3), ..lifting };
    store.create(&lifting, vec![ada.clone()], &[], None).await?;
    twice(async || store.cover(&lifting, false, at(3)).await).await?;
    store.cover(&first, false, at(4)).await?;
    for subject in [&ada, &phone] {
        assert!(!is_out(&store, subject, &EVERYWHERE).await?, "{subject:?}");
    }
    Ok(())
}

/// What was found in the company's own data is suppressed with its person, and let in with the last who has it.
#[tokio::test]
async fn what_was_resolved_is_out_as_long_as_somebody_who_has_it() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let named = |person, subject| Named { person: Some(person), subject };
    let email = |text: &str| Subject { kind: SubjectType::Email, id: text.to_owned() };
    let held = |text: &str| suppression::of(&[email(text)]).remove(0);
    let (ada, bob, shared) = (Subject::user("ada"), Subject::user("bob"), held("one@example.com"));
    let resolve = async |user: &Subject, minute| -> Result<Regulation> {
        let mut one = regulation("SUPPRESS_WITH_DELETE", "RUNNING")?;
        one.created_at = at(minute);
        store.create(&one, vec![named(0, user.clone())], &[], None).await?;
        let found =
            vec![named(0, email("one@example.com")), named(0, email(&format!("{}@example.com", user.id)))];
        let found = Resolved { found, ..Resolved::default() };
        store.keep_resolved(&one.id, &DestinationId::new(), found).await?;
        store.cover(&one, false, at(minute)).await?;
        Ok(one)
    };
    let is_out = async |subject: &Subject| is_out(&store, subject, &EVERYWHERE).await;
    let (first, second) = (resolve(&ada, 1).await?, resolve(&bob, 2).await?);
    for one in [&first, &second] {
        twice(async || store.cover_resolved(one, at(3)).await).await?;
    }
    assert!(is_out(&shared).await? && is_out(&held("ada@example.com")).await?);
    let said = store.suppressions_of(&held("ada@example.com")).await?;
    assert_eq!((said[0].by_link, said[0].regulation_id.as_ref()), (true, Some(&first.id)));

    twice(async || store.unsuppress(std::slice::from_ref(&ada), &change(&EVERYWHERE, 4)).await).await?;
    assert!(!is_out(&held("ada@example.com")).await?);
    assert!(is_out(&shared).await?, "it is Bob's, too");
    store.unsuppress(std::slice::from_ref(&bob), &change(&EVERYWHERE, 5)).await?;
    assert!(!is_out(&shared).await?);
    assert!(person(&store, &shared).await?.resolved_for.is_empty(), "nothing is left");

    // Whoever was let in before the look-up ended stays in, under each identifier.
    let third = resolve(&ada, 6).await?;
    store.unsuppress(std::slice::from_ref(&ada), &change(&EVERYWHERE, 7)).await?;
    store.cover_resolved(&third, at(8)).await?;
    assert!(!is_out(&held("ada@example.com")).await?);
    Ok(())
}
