//! Runs a script: set-up, suites of tests, clearing up; one verdict for each test.

use crate::http::{Address, Answer, Client, Sent};
use crate::layout::Authentication;
use crate::script::{Features, Request, Script, Suite, Test};
use crate::serverinfo::ServerInfo;
use crate::variables::Variables;
use crate::verify::{self, Context};
use crate::{grab, send};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// What was wrong.
    Failed(String),
    /// Why it does not apply.
    Ignored(String),
}

/// A test with its verdict.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// `FILE:SUITE:TEST`, and `#2` behind it where that name is taken.
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) verdict: Verdict,
    /// The exchange that failed, written out.
    pub(crate) exchange: String,
}

/// All that a script needs to run.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) server: ServerInfo,
    pub(crate) address: Address,
    pub(crate) authentication: Authentication,
    /// The folder that file names in scripts start from.
    pub(crate) data: PathBuf,
    pub(crate) client: Client,
    pub(crate) today: chrono::NaiveDate,
    pub(crate) after_set_up: AfterSetUp,
}

/// What follows from a set-up that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterSetUp {
    /// All tests of the file have failed.
    AllFail,
    /// What can be done of the set-up is done, and the tests are run all the same: for looking, not for judging.
    KeepGoing,
}

/// How the words of a failed set-up begin.
pub(crate) const SET_UP_FAILED: &str = "the file's set-up failed";

/// Which tests are run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) suite: Option<String>,
    pub(crate) test: Option<String>,
}

/// A failed request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure {
    pub(crate) words: String,
    pub(crate) exchange: String,
}

impl Failure {
    /// A failure without an exchange to show.
    pub(crate) fn of(words: impl Into<String>) -> Self {
        Self { words: words.into(), exchange: String::new() }
    }
}

/// What a running script knows.
#[derive(Debug)]
pub(crate) struct Running<'a> {
    pub(crate) world: &'a World,
    pub(crate) variables: Variables,
    /// Of the resources that GET has shown in this suite.
    pub(crate) tags: BTreeMap<String, String>,
    /// What a pseudo-method has found: the target `$`.
    pub(crate) located: String,
    /// What GETNEW has found before.
    pub(crate) found_before: BTreeSet<String>,
    /// What is deleted at the end.
    pub(crate) end_deletes: Vec<(String, Request)>,
}

/// Runs a script against a server.
pub(crate) fn run(world: &World, script: &Script, choice: &Choice) -> Vec<Outcome> {
    let mut variables = world.server.variables.clone();
    variables.insert("$host:".to_owned(), world.address.url());
    variables.insert("$host2:".to_owned(), world.address.url());
    for secure in ["$hostssl:", "$hostssl2:"] {
        variables.entry(secure.to_owned()).or_insert_with(|| format!("https://{}:{}", world.address.host, 8443));
    }
    let mut variables = Variables::new(variables, world.today);
    variables.renew_uids();
    let mut running =
        Running { world, variables, tags: BTreeMap::new(), located: String::new(), found_before: BTreeSet::new(), end_deletes: Vec::new() };
    let hindrance = script.features.hindrance(&world.server.features);
    let set_up = if hindrance.is_none() { running.set_up(&script.start) } else { Ok(()) };
    let mut outcomes = Vec::new();
    let only_suites = script.suites.iter().any(|suite| suite.only);
    for suite in script.suites.iter().filter(|suite| choice.suite.as_ref().is_none_or(|name| *name == suite.name)) {
        let hindrance = hindrance.clone().or_else(|| why_not(&suite.features, suite.ignore || (only_suites && !suite.only), world));
        running.suite(&script.name, suite, choice, hindrance.as_ref(), &set_up, &mut outcomes);
    }
    if hindrance.is_none() {
        running.clear_up(&script.end);
    }
    outcomes
}

fn why_not(features: &Features, ignored: bool, world: &World) -> Option<String> {
    if ignored { Some("the script says so".to_owned()) } else { features.hindrance(&world.server.features) }
}

impl Running<'_> {
    fn suite(
        &mut self,
        file: &str,
        suite: &Suite,
        choice: &Choice,
        hindrance: Option<&String>,
        set_up: &Result<(), Failure>,
        outcomes: &mut Vec<Outcome>,
    ) {
        self.tags.clear();
        if suite.change_uid && hindrance.is_none() {
            self.variables.renew_uids();
        }
        let only_tests = suite.tests.iter().any(|test| test.only);
        for test in &suite.tests {
            let hindrance = hindrance.cloned().or_else(|| why_not(&test.features, test.ignore || (only_tests && !test.only), self.world));
            let result = match (hindrance, set_up) {
                (Some(why), _) => Err(Verdict::Ignored(why)),
                (None, Err(failure)) => Ok(Err(failure.clone())),
                (None, Ok(())) => Ok(self.test(test)),
            };
            // Tests of a suite build on those before; of a chosen one they are run, but not reported.
            if choice.test.as_ref().is_some_and(|name| *name != test.name) {
                continue;
            }
            let (verdict, exchange) = match result {
                Err(ignored) => (ignored, String::new()),
                Ok(Ok(())) => (Verdict::Passed, String::new()),
                Ok(Err(failure)) => (Verdict::Failed(failure.words), failure.exchange),
            };
            let name = free_name(format!("{file}:{}:{}", suite.name, test.name), outcomes);
            outcomes.push(Outcome { name, description: test.description.clone(), verdict, exchange });
        }
    }

    /// The requests before all tests: each must succeed.
    fn set_up(&mut self, requests: &[Request]) -> Result<(), Failure> {
        for (number, request) in requests.iter().enumerate() {
            let bare = Request { verifiers: Vec::new(), ..request.clone() };
            let succeeded = self.request(&bare, 1, None).and_then(|answer| match answer {
                Some((sent, answer)) if answer.status / 100 != 2 => {
                    let words = format!("{} {} -> {}", sent.method, sent.target, answer.status);
                    Err(Failure { words, exchange: send::written(&sent, Some(&answer)) })
                }
                _ => Ok(()),
            });
            match succeeded {
                Err(failure) if self.world.after_set_up == AfterSetUp::AllFail => {
                    let words = format!("{SET_UP_FAILED} (request {}): {}", number + 1, failure.words);
                    return Err(Failure { words, ..failure });
                }
                Err(failure) => crate::say(&format!("set-up, request {}: {}", number + 1, failure.words)),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// What is to be deleted and done at the end; nothing follows from it.
    fn clear_up(&mut self, requests: &[Request]) {
        for (target, request) in std::mem::take(&mut self.end_deletes) {
            let delete =
                Request { user: request.user, password: request.password, authenticate: request.authenticate, ..Request::default() };
            drop(self.exchange(&delete, "DELETE", &target, None));
        }
        for request in requests {
            let bare = Request { verifiers: Vec::new(), ..request.clone() };
            drop(self.request(&bare, 1, None));
        }
    }

    fn test(&mut self, test: &Test) -> Result<(), Failure> {
        for count in 1..=test.count {
            for request in &test.requests {
                self.until_success(request, count)?;
            }
        }
        Ok(())
    }

    fn until_success(&mut self, request: &Request, count: u32) -> Result<(), Failure> {
        let until = Instant::now() + if request.wait_for_success { self.world.server.waits.success } else { Duration::ZERO };
        loop {
            let result = self.with_each_file(request, count);
            if result.is_ok() || Instant::now() >= until {
                return result;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// `iterate-data`: once for each file of the folder that the data names.
    fn with_each_file(&mut self, request: &Request, count: u32) -> Result<(), Failure> {
        let Some(data) = request.data.as_ref().filter(|_| request.iterate_data) else {
            return self.request(request, count, None).map(|_| ());
        };
        let folder = self.world.data.join(&data.file);
        let entries = std::fs::read_dir(&folder).map_err(|error| Failure::of(format!("cannot read {}: {error}", folder.display())))?;
        let mut files: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|path| path.is_file()).collect();
        files.retain(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')));
        files.sort();
        if files.is_empty() {
            return Err(Failure::of(format!("{} has no file", folder.display())));
        }
        for file in files {
            self.request(request, count, Some(&file))
                .map_err(|failure| Failure { words: format!("with {}: {}", file.display(), failure.words), ..failure })?;
        }
        Ok(())
    }

    /// One request of a script, pseudo-methods included: sent, looked at, its variables kept.
    fn request(&mut self, request: &Request, count: u32, file: Option<&PathBuf>) -> Result<Option<(Sent, Answer)>, Failure> {
        if request.features.hindrance(&self.world.server.features).is_some() {
            return Ok(None);
        }
        if let Some(unknown) = request.unknown.first() {
            return Err(Failure::of(format!("this runner does not know `{unknown}` in a request")));
        }
        let Some((method, target)) = self.resolve(request, count)? else { return Ok(None) };
        if target.is_empty() {
            return Err(Failure::of(format!("{method}: no target, or `$` where nothing was found before")));
        }
        if let Some(name) = Variables::left_over(&target) {
            return Err(Failure::of(format!("{method} {target}: {name} has no value")));
        }
        let body = self.body(request, count, file)?;
        if request.end_delete {
            self.end_deletes.push((target.clone(), request.clone()));
        }
        let (sent, answer) = self.exchange(request, &method, &target, body)?;
        let context = Context {
            answer: &answer,
            target: &target,
            host: &self.world.address.url(),
            server: &self.world.server,
            variables: &self.variables,
            data: &self.world.data,
        };
        let mut wrong = Vec::new();
        for verifier in request.verifiers.iter().filter(|verifier| verifier.features.hindrance(&self.world.server.features).is_none()) {
            if let Err(words) = verify::verify(&context, verifier) {
                wrong.push(format!("{}: {words}", verifier.callback));
            }
        }
        if let (true, Some(tag)) = (method == "GET", answer.header("ETag").first()) {
            self.tags.insert(target.clone(), (*tag).to_owned());
        }
        if let Some(variable) = &request.keep_uri {
            self.variables.keep(variable, &self.located.clone());
        }
        if let Err(words) = grab::keep(request, &answer, &mut self.variables) {
            wrong.push(words);
        }
        if wrong.is_empty() {
            return Ok(Some((sent, answer)));
        }
        let words = format!("{method} {target} -> {}\n{}", answer.status, wrong.join("\n"));
        Err(Failure { words, exchange: send::written(&sent, Some(&answer)) })
    }
}

fn free_name(name: String, outcomes: &[Outcome]) -> String {
    let taken = |name: &str| outcomes.iter().any(|outcome| outcome.name == name);
    if !taken(&name) {
        return name;
    }
    (2..).map(|number| format!("{name}#{number}")).find(|name| !taken(name)).unwrap_or(name)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
