//! What is known of the store from what the machine said before the cut, and what must therefore be there after it. Sees words
//! alone; must take an acknowledgement only as said, and no promise from anything else.

use crate::plan::{self, SLOTS, WRITERS};
use std::collections::{BTreeMap, BTreeSet};

/// The states an object may be in: one where the last write of it was answered, two where one was under way.
type Slots = BTreeMap<(usize, usize), BTreeSet<Option<u64>>>;

/// Everything that has to hold from one life of the machine to the next.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    life: u64,
    slots: Slots,
    /// Steps answered in this life, by writer; none while nobody writes.
    answered: BTreeMap<usize, u64>,
    /// Whether the writers had begun.
    writing: bool,
    /// What this life found when it began.
    found: BTreeMap<(usize, usize), u64>,
    /// By viewer, the token last handed out with the rows it stands for.
    tokens: BTreeMap<String, String>,
    /// By viewer, what the calendar that nobody changes looks like.
    still: BTreeMap<String, String>,
    /// Writes that were acknowledged, in all lives.
    pub(crate) acknowledged: u64,
    /// Tokens and views that were compared.
    pub(crate) compared: u64,
}

impl Judge {
    /// Of an empty disk.
    pub(crate) fn new() -> Self {
        let objects = (0..WRITERS).flat_map(|writer| (0..SLOTS).map(move |slot| (writer, slot)));
        Self {
            life: 0,
            slots: objects.map(|object| (object, BTreeSet::from([None]))).collect(),
            answered: BTreeMap::new(),
            writing: false,
            found: BTreeMap::new(),
            tokens: BTreeMap::new(),
            still: BTreeMap::new(),
            acknowledged: 0,
            compared: 0,
        }
    }

    /// What to tell the next life of the last one's tokens.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = (&String, &String)> {
        self.tokens.iter()
    }

    /// Whether this life has looked at everything, and its writers began.
    pub(crate) fn is_writing(&self) -> bool {
        self.writing
    }

    /// How many writes of this life were acknowledged.
    pub(crate) fn writes_of_this_life(&self) -> u64 {
        self.answered.values().sum()
    }

    /// The machine goes on after a cut: what was under way may have happened or not.
    pub(crate) fn begin(&mut self, life: u64) {
        for writer in (0..WRITERS).filter(|_| self.writing) {
            let answered = self.answered.get(&writer).copied().unwrap_or_default();
            let under_way = plan::step(self.life, writer, answered);
            if let Some(states) = self.slots.get_mut(&(writer, under_way.slot)) {
                states.insert(under_way.leaves);
            }
        }
        self.life = life;
        self.answered.clear();
        self.writing = false;
        self.found.clear();
    }

    /// Takes in one line.
    ///
    /// # Errors
    /// What was promised and does not hold, for people.
    pub(crate) fn hear(&mut self, line: &str) -> Result<(), String> {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        match what {
            "ack" => self.hear_ack(rest),
            "found" => {
                let Some([writer, slot, version]) = numbers(rest) else { return Err(format!("not understood: {line}")) };
                self.found.insert((writer as usize, slot as usize), version);
                Ok(())
            }
            "listed" => self.compare_found(),
            "view" => self.compare_view(rest),
            "still" => self.compare_still(rest),
            "led" => self.compare_led(rest),
            "token" => {
                let (viewer, token) = rest.split_once(' ').ok_or("a token of nobody")?;
                self.tokens.insert(viewer.to_owned(), token.to_owned());
                Ok(())
            }
            "writing" => {
                self.writing = true;
                Ok(())
            }
            "stage" => Ok(()),
            "half" => Err(format!("half-written: {rest}")),
            "refused" => Err(format!("a write was refused: {rest}")),
            "fault" => Err(rest.to_owned()),
            _ => Err(format!("not understood: {line}")),
        }
    }

    fn hear_ack(&mut self, rest: &str) -> Result<(), String> {
        let Some([writer, number]) = numbers(rest) else { return Err(format!("not understood: ack {rest}")) };
        let writer = writer as usize;
        let answered = self.answered.entry(writer).or_default();
        if number != *answered || !self.writing {
            return Err(format!("writer {writer} skipped from {answered} to {number}"));
        }
        *answered += 1;
        let step = plan::step(self.life, writer, number);
        self.slots.insert((writer, step.slot), BTreeSet::from([step.leaves]));
        self.acknowledged += 1;
        Ok(())
    }

    /// Everything acknowledged is there; what was under way is there whole or not at all.
    fn compare_found(&mut self) -> Result<(), String> {
        let mut lost = Vec::new();
        for ((writer, slot), states) in &mut self.slots {
            let found = self.found.get(&(*writer, *slot)).copied();
            if !states.contains(&found) {
                lost.push(format!("{}: {found:?} instead of {states:?}", plan::object_name(*writer, *slot)));
            }
            // What is there was read from the disk, so that it stays.
            *states = BTreeSet::from([found]);
        }
        if lost.is_empty() { Ok(()) } else { Err(format!("acknowledged writes are lost: {}", lost.join("; "))) }
    }

    /// Each viewer is shown just the objects that are there, each in its version.
    fn compare_view(&mut self, rest: &str) -> Result<(), String> {
        let (viewer, starts) = rest.split_once(' ').unwrap_or((rest, ""));
        let shown: BTreeSet<String> = starts.split_whitespace().map(str::to_owned).collect();
        let there: BTreeSet<String> = self.found.values().map(|version| plan::start_of(*version)).collect();
        self.compared += 1;
        if shown == there {
            return Ok(());
        }
        let (missing, extra): (Vec<_>, Vec<_>) = (there.difference(&shown).collect(), shown.difference(&there).collect());
        Err(format!("{viewer} is shown something else than is there: without {missing:?}, with {extra:?}"))
    }

    fn compare_still(&mut self, rest: &str) -> Result<(), String> {
        let (viewer, hash) = rest.split_once(' ').ok_or("a view of nobody")?;
        match self.still.get(viewer) {
            None => {
                self.still.insert(viewer.to_owned(), hash.to_owned());
                Ok(())
            }
            Some(before) if before == hash => {
                self.compared += 1;
                Ok(())
            }
            Some(_) => Err(format!("{viewer} is shown a calendar that nobody changed in another way")),
        }
    }

    fn compare_led(&mut self, rest: &str) -> Result<(), String> {
        self.compared += 1;
        match rest.split_once(' ') {
            Some((_, "home")) => Ok(()),
            _ => Err(format!("an old token leads elsewhere: {rest}")),
        }
    }
}

fn numbers<const N: usize>(words: &str) -> Option<[u64; N]> {
    let numbers: Option<Vec<u64>> = words.split(' ').map(|word| word.parse().ok()).collect();
    <[u64; N]>::try_from(numbers?).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// The first steps of writer 0 in life 1, and a judge who heard them acknowledged.
    fn after(steps: u64) -> (Judge, BTreeMap<usize, Option<u64>>) {
        let mut judge = Judge::new();
        judge.begin(1);
        judge.hear("writing").unwrap();
        let mut there = BTreeMap::new();
        for number in 0..steps {
            judge.hear(&format!("ack 0 {number}")).unwrap();
            let step = plan::step(1, 0, number);
            there.insert(step.slot, step.leaves);
        }
        judge.begin(2);
        (judge, there)
    }

    fn find(judge: &mut Judge, there: &BTreeMap<usize, Option<u64>>) -> Result<(), String> {
        for (slot, version) in there {
            if let Some(version) = version {
                judge.hear(&format!("found 0 {slot} {version}")).unwrap();
            }
        }
        judge.hear("listed")
    }

    #[test]
    fn what_was_acknowledged_has_to_be_there_and_what_was_under_way_may() {
        let (mut judge, there) = after(20);
        assert_eq!(find(&mut judge, &there), Ok(()));
        assert_eq!(judge.acknowledged, 20);
        let (mut judge, mut there) = after(20);
        let next = plan::step(1, 0, 20);
        there.insert(next.slot, next.leaves);
        assert_eq!(find(&mut judge, &there), Ok(()), "the one under way");
        // Once seen it stays: the next life may not go back.
        judge.begin(3);
        let (_, before) = after(20);
        assert!(find(&mut judge, &before).is_err());
    }

    #[test]
    fn each_acknowledged_write_is_missed() {
        for number in (0..20).filter(|number| (number + 1..20).all(|later| plan::step(1, 0, later).slot != plan::step(1, 0, *number).slot))
        {
            let (mut judge, mut there) = after(20);
            let slot = plan::step(1, 0, number).slot;
            let earlier = (0..number).rev().map(|number| plan::step(1, 0, number)).find(|step| step.slot == slot);
            there.insert(slot, earlier.and_then(|step| step.leaves));
            assert!(find(&mut judge, &there).unwrap_err().contains("lost"), "{number}");
        }
    }

    #[test]
    fn a_life_that_was_cut_before_anybody_wrote_changes_nothing() {
        let (mut judge, there) = after(20);
        judge.begin(3);
        judge.begin(4);
        assert_eq!(find(&mut judge, &there), Ok(()));
    }

    #[test]
    fn views_and_tokens_are_compared_and_words_it_does_not_know_refused() {
        let (mut judge, there) = after(20);
        find(&mut judge, &there).unwrap();
        let starts: Vec<String> = there.values().flatten().map(|version| plan::start_of(*version)).collect();
        assert_eq!(judge.hear(&format!("view bob {}", starts.join(" "))), Ok(()));
        assert!(judge.hear(&format!("view bob {} {}", starts.join(" "), plan::start_of(1))).is_err());
        assert!(judge.hear("view bob").is_err());
        assert_eq!(judge.hear("still bob aa"), Ok(()));
        assert_eq!(judge.hear("still bob aa"), Ok(()));
        assert!(judge.hear("still bob ab").is_err());
        assert_eq!(judge.hear("token bob t a=1 b=2"), Ok(()));
        assert_eq!(judge.tokens().map(|(viewer, token)| format!("{viewer} {token}")).collect::<Vec<_>>(), ["bob t a=1 b=2"]);
        assert_eq!(judge.hear("led bob home"), Ok(()));
        for wrong in ["led bob elsewhere", "half 1-1.ics", "refused 1 1 500", "fault no such store", "gibberish", "ack 0 0"] {
            assert!(judge.hear(wrong).is_err(), "{wrong}");
        }
    }
}
