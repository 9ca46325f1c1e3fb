//! What the interface says of itself: who is signed in, which routes there are, what a refusal means.

use super::call::{Answer, Call};
use super::problem::{Kind, Problem};
use super::route::ROUTES;
use serde_json::{Value, json};

/// `GET /api/v1/`
pub(super) fn index(call: &Call<'_>) -> Result<Answer, Problem> {
    let (user, administrator) = call.door.read(|store| Ok::<_, Problem>((store.viewer()?, store.is_administrator()?)))?;
    let routes: Vec<Value> = ROUTES
        .iter()
        .map(|route| {
            json!({
                "method": route.method,
                "path": format!("{}{}{}", call.context.site.base_path, super::ROOT, route.pattern),
                "query": route.query,
                "summary": route.summary,
            })
        })
        .collect();
    Ok(Answer::ok(json!({ "user": user.name, "display_name": user.display_name, "administrator": administrator, "routes": routes })))
}

/// `GET /api/v1/problems/{word}`
pub(super) fn problem(call: &Call<'_>) -> Result<Answer, Problem> {
    let kind = Kind::from_word(call.parameter("word")).ok_or(Problem::not_found())?;
    Ok(Answer::ok(kind.describe(&call.context.site.base_path)))
}
