//! Rounds: the machine lives, the power goes, the machine comes back on what is left and is compared with what it had promised.
//! One start of the machine is the end of one round and the beginning of the next.

use crate::disk::{Cut, Disk, Loss};
use crate::judge::Judge;
use crate::machine::{Event, LIFE_MAX, Machine, Setup, Silence};
use bench::chance::Chance;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A disk is used for so many rounds, and then begun anew.
const ROUNDS_PER_DISK: u64 = 25;

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Campaign {
    /// Cuts that are followed by a look.
    pub(crate) rounds: u64,
    /// Everything random follows from it.
    pub(crate) seed: u64,
    /// The server's `storage.engine`.
    pub(crate) engine: String,
    /// Whether the server's syncs do nothing; then it ends with the first loss.
    pub(crate) sabotage: Sabotage,
}

/// Whether the server is the one that is built, or one that does not sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// As built.
    None,
    /// `fsync` and `fdatasync` do nothing.
    NoSync,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rounds: u64,
    pub(crate) cuts: u64,
    /// Those of them that came while it recovered, before anybody wrote.
    pub(crate) early: u64,
    pub(crate) acknowledged: u64,
    /// Views and tokens.
    pub(crate) compared: u64,
    pub(crate) lost: Cut,
    /// What was promised and did not hold, each with where it happened.
    pub(crate) findings: Vec<String>,
}

/// When the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// After so many writes to the disk from the start: while the file system and the store recover, or soon after.
    Recovering(u64),
    /// When so many writes were acknowledged, and after so many more writes to the disk: the same on a fast machine and on a
    /// slow one, and never while the cache is empty.
    Writing(u64, u64),
    /// When it was seen that everything is there: the end.
    Seen,
}

/// How a life ended.
struct Life {
    /// What is on the disk.
    left: Vec<u8>,
    cut: Cut,
    finding: Option<String>,
}

impl Campaign {
    /// Runs all rounds.
    ///
    /// # Errors
    /// The machine itself failed; in words. What the server lost is no error but a finding.
    pub(crate) fn run(&self, setup: &Setup, empty: &[u8], say: &mut dyn FnMut(&str)) -> Result<Tally, String> {
        let mut tally = Tally::default();
        let (mut judge, mut content) = (Judge::new(), empty.to_vec());
        let (mut life, mut chance) = (0, Chance::new(self.seed, &self.engine));
        while tally.rounds < self.rounds {
            if life > ROUNDS_PER_DISK {
                self.count(&mut tally, &judge);
                (judge, content, life) = (Judge::new(), empty.to_vec(), 0);
            }
            let before = (self.sabotage == Sabotage::None).then(|| content.clone());
            let is_last = tally.rounds + 1 == self.rounds && life > 0;
            let moment = if is_last { Moment::Seen } else { self.moment(life, &mut chance) };
            let lived = self.live(setup, &mut judge, life, content, moment, &mut chance)?;
            let is_looked_at = judge.is_writing();
            tally.cuts += u64::from(!is_last);
            tally.early += u64::from(!is_looked_at);
            tally.lost.dropped += lived.cut.dropped;
            tally.lost.kept += lived.cut.kept;
            tally.rounds += u64::from(life > 0 && is_looked_at || lived.finding.is_some());
            say(&format!(
                "{}: life {life}, {moment:?}, {} bytes dropped, {} kept, {} acknowledged writes so far",
                self.name(),
                lived.cut.dropped,
                lived.cut.kept,
                tally.acknowledged + judge.acknowledged
            ));
            (content, life) = (lived.left, life + 1);
            if let Some(finding) = lived.finding {
                if self.sabotage != Sabotage::None && life == 1 {
                    return Err(format!("{} fails before anything could be lost: {finding}", self.name()));
                }
                // A look that found nothing before: whatever it is, it is not the look that caught it.
                if self.sabotage != Sabotage::None && is_looked_at {
                    (judge, content, life) = (Judge::new(), empty.to_vec(), 0);
                    continue;
                }
                let place = before.map(|image| self.keep(setup, tally.rounds, &image)).transpose()?;
                let place = place.map(|path| format!(" (the disk as it was then: {})", path.display())).unwrap_or_default();
                tally.findings.push(format!("{}, seed {}, round {}: {finding}{place}", self.engine, self.seed, tally.rounds));
                self.count(&mut tally, &judge);
                (judge, content, life) = (Judge::new(), empty.to_vec(), 0);
                if self.sabotage != Sabotage::None {
                    return Ok(tally);
                }
            }
        }
        self.count(&mut tally, &judge);
        Ok(tally)
    }

    /// For people.
    pub(crate) fn name(&self) -> String {
        match self.sabotage {
            Sabotage::None => self.engine.clone(),
            Sabotage::NoSync => format!("{} without fdatasync", self.engine),
        }
    }

    fn count(&self, tally: &mut Tally, judge: &Judge) {
        tally.acknowledged += judge.acknowledged;
        tally.compared += judge.compared;
    }

    fn keep(&self, setup: &Setup, round: u64, image: &[u8]) -> Result<PathBuf, String> {
        let path = setup.work.join(format!("{}-{}-{round}.img", self.engine, self.seed));
        std::fs::write(&path, image).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    fn moment(&self, life: u64, chance: &mut Chance) -> Moment {
        if life > 0 && self.sabotage == Sabotage::None && chance.percent(20) {
            return Moment::Recovering(chance.below(40));
        }
        Moment::Writing(10 + chance.below(60), chance.below(40))
    }

    /// One life: from the start of the machine to the cut.
    fn live(
        &self,
        setup: &Setup,
        judge: &mut Judge,
        life: u64,
        content: Vec<u8>,
        moment: Moment,
        chance: &mut Chance,
    ) -> Result<Life, String> {
        let orders = self.orders(judge, life, chance);
        judge.begin(life);
        let mut machine = Machine::start(setup, Disk::new(content), &orders)?;
        let mut finding = self.until_cut(&machine, judge, moment)?;
        let loss = if chance.percent(40) { Loss::All } else { Loss::KeepPercent(10 + chance.below(85)) };
        let cut = machine.cut(loss, chance);
        machine.kill();
        // What it said before the cut counts, heard now or earlier: the disk had it.
        while let Ok(event) = machine.hear(Instant::now() + Duration::from_secs(1)) {
            if let Event::Word(line) = event {
                finding = finding.or(judge.hear(&line).err());
            }
        }
        let left = machine.left();
        Ok(Life { left, cut, finding })
    }

    fn orders(&self, judge: &Judge, life: u64, chance: &mut Chance) -> String {
        let mut orders = format!("life {life}\nengine {}\n", self.engine);
        if life == 0 {
            orders.push_str("first\n");
        }
        match self.sabotage {
            Sabotage::NoSync => orders.push_str("sabotage\n"),
            Sabotage::None if chance.percent(50) => orders.push_str("hasty\n"),
            Sabotage::None => {}
        }
        for (viewer, token) in judge.tokens() {
            orders.push_str(&format!("token {viewer} {token}\n"));
        }
        orders.push_str("go\n");
        orders
    }

    /// Listens until the power is gone, or something is found.
    fn until_cut(&self, machine: &Machine, judge: &mut Judge, moment: Moment) -> Result<Option<String>, String> {
        let until = Instant::now() + LIFE_MAX;
        let mut is_armed = false;
        if let Moment::Recovering(writes) = moment {
            machine.cut_after(writes);
        }
        loop {
            match machine.hear(until) {
                Ok(Event::Word(line)) => {
                    if let Err(finding) = judge.hear(&line) {
                        return Ok(Some(machine.failure(&finding)));
                    }
                    match moment {
                        Moment::Seen if judge.is_writing() => return Ok(None),
                        Moment::Writing(writes, more) if !is_armed && judge.writes_of_this_life() >= writes => {
                            machine.cut_after(more);
                            is_armed = true;
                        }
                        _ => {}
                    }
                }
                Ok(Event::Off) => return Ok(None),
                Err(Silence::Late) => return Err(machine.failure(&format!("{moment:?} did not come in {} seconds", LIFE_MAX.as_secs()))),
                Err(Silence::Ended) => return Err(machine.failure("the machine ended by itself")),
            }
        }
    }
}
