//! A scene: one viewer, the things of one calendar in two worlds, and a script of what happens. All of it is data, so that a
//! scene in which the worlds came apart can be made smaller and played again.

use super::thing::{Side, Thing, hidden_thing, thing};
use super::viewer::{VIEWERS, Viewer};
use crate::harness::dice::Dice;
use acl::{AccessMatrix, EventPrivacy, Visibility};

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// The viewer asks; the request follows from this seed and what he knows by then.
    Ask(u64),
    /// Somebody else does the same in both worlds.
    Common(Deed),
    /// Somebody else does something that the viewer may not see, in one world only.
    Hidden(Side, Deed),
}

/// What others do.
#[derive(Clone, Debug)]
pub enum Deed {
    /// The owner stores a version of a thing, making it if it is not there.
    Store { thing: usize, version: usize },
    /// The owner stores a version of a thing again, with other things in it that are nothing to the viewer.
    Restyle { thing: usize, version: usize, seed: u64 },
    /// The owner deletes a thing.
    Remove { thing: usize },
    /// The owner gives a thing another name.
    Rename { thing: usize },
    /// The owner moves a thing to another calendar and back.
    Away { thing: usize },
    /// The owner deletes a thing and takes it out of the trash again.
    Undo { thing: usize },
    /// The owner makes the first version of a thing the present one.
    TakeBack { thing: usize },
    /// The owner deletes the calendar and takes it out of the trash again.
    UndoCalendar,
    /// The owner changes her alarms and other personal items of a thing.
    Alarm { thing: usize },
    /// The same on whatever stands in the calendar, by whomever it was made.
    AlarmOnAny { seed: u64 },
    /// The owner sets what is hers alone: of the calendar, a thing, her home, herself.
    Properties { seed: u64 },
    /// The viewer is put into one of his states.
    Grant { state: usize },
    /// Minutes pass.
    Pass { minutes: i64 },
    /// The owner may take up so many bytes: more or less than she does.
    Allow { bytes: u64 },
    /// Users, groups, calendars and grants that are nothing to the viewer come, change and go.
    Elsewhere { seed: u64 },
    /// Others with a share look around, fail to write, and set their own properties.
    Others { seed: u64 },
    /// The owner's own clients look around.
    OwnerLooks { seed: u64 },
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Scene {
    pub seed: u64,
    pub viewer: Viewer,
    pub things: Vec<Thing>,
    /// The calendar's path segment in either world: the viewer is told it only from `details` up.
    pub calendar: [&'static str; 2],
    /// Whether the viewer is shown what the owner calls the calendar.
    pub detailed: bool,
    /// Whether private events are hidden from the viewer in all states.
    pub hides_private: bool,
    /// Whether everything is bounded tightly.
    pub tight: bool,
    /// Bytes that the viewer may take up.
    pub quota_bytes: u64,
    /// Steps with numbers that stay theirs when others are left out.
    pub script: Vec<(usize, Step)>,
}

impl Scene {
    /// The scene that follows from a seed, with one kind of viewer.
    pub fn new(seed: u64, steps: usize) -> Self {
        let mut dice = Dice::new(seed);
        let dice = &mut dice;
        // Every other scene is one of the known kinds of viewer.
        let known = VIEWERS[usize::try_from(seed / 2).unwrap() % VIEWERS.len()];
        let viewer = if seed.is_multiple_of(2) { known } else { Viewer::generated(dice) };
        let matrices = viewer.matrices();
        let standard = |matrix: &AccessMatrix| matrix.cell(EventPrivacy::Standard).visibility;
        let detailed = matrices.iter().any(|matrix| standard(matrix) == Visibility::Full);
        let hides_private = matrices.iter().all(|matrix| matrix.cell(EventPrivacy::Private).visibility == Visibility::Hidden);
        let calendar = if !detailed && viewer.is_deaf_to_everyone() && dice.chance(40) { ["work", "geheim"] } else { ["work", "work"] };
        let mut scene = Self {
            seed,
            viewer,
            things: Vec::new(),
            calendar,
            detailed,
            hides_private,
            tight: dice.chance(30),
            quota_bytes: 0,
            script: Vec::new(),
        };
        scene.quota_bytes = *dice.pick(&[900, 2_500, 1 << 30]);
        scene.cast(dice, &matrices);
        scene.write(dice, steps);
        scene
    }

    /// Bounds of what is stored and of the work of an answer.
    pub fn storage_limits(&self) -> storage::Limits {
        if !self.tight {
            return storage::Limits::default();
        }
        storage::Limits {
            instances_max: 60,
            sync_states_max: 5,
            removed_names_max: 3,
            views_cached_max: 2,
            view_rows_cached_max: 9,
            busy_periods_max: 40,
            private_uids_max: 1_000,
            ..storage::Limits::default()
        }
    }

    /// Bounds of the viewer's requests and answers.
    pub fn limits(&self) -> webdav::Limits {
        if !self.tight {
            return webdav::Limits::default();
        }
        webdav::Limits {
            responses_max: 7,
            multistatus_bytes_max: 12_000,
            instances_max: 50,
            window_years_max: 1,
            ..webdav::Limits::default()
        }
    }

    fn cast(&mut self, dice: &mut Dice, matrices: &[AccessMatrix]) {
        for _ in 0..dice.below(5) + 3 {
            let number = self.things.len();
            let later = dice.chance(20);
            self.things.push(thing(dice, number, matrices, self.viewer.takes_part(), later));
        }
        for _ in 0..dice.below(3) + 2 {
            let later = dice.chance(40);
            self.things.extend(hidden_thing(dice, self.things.len(), matrices, self.viewer.takes_part(), later));
        }
    }

    fn write(&mut self, dice: &mut Dice, steps: usize) {
        // Of each thing the version that stands, for what is done in common; a thing that is gone stays gone.
        let mut versions: Vec<Option<usize>> = vec![Some(0); self.things.len()];
        for number in 0..steps {
            let step = match dice.below(100) {
                0..66 => Step::Ask(dice.roll()),
                66..82 => Step::Hidden(*dice.pick(&Side::BOTH), self.hidden(dice, &versions)),
                _ => Step::Common(self.common(dice, &mut versions)),
            };
            self.script.push((number, step));
        }
    }

    fn common(&self, dice: &mut Dice, versions: &mut [Option<usize>]) -> Deed {
        match dice.below(10) {
            0..2 => Deed::Grant { state: dice.below(self.viewer.states.len()) },
            2 => Deed::Pass { minutes: dice.within(1, 90) },
            3 if dice.chance(15) => Deed::UndoCalendar,
            3 => Deed::Others { seed: dice.roll() },
            choice => {
                let thing = dice.below(self.things.len());
                let Some(version) = versions[thing] else { return Deed::OwnerLooks { seed: dice.roll() } };
                match choice {
                    4 => {
                        versions[thing] = None;
                        Deed::Remove { thing }
                    }
                    5 if !self.things[thing].hidden => Deed::Rename { thing },
                    6 => Deed::Alarm { thing },
                    _ => {
                        // Privacy once raised is not lowered again.
                        let version = (version + usize::from(self.things[thing].later || dice.chance(80))).min(2);
                        versions[thing] = Some(version);
                        Deed::Store { thing, version }
                    }
                }
            }
        }
    }

    fn hidden(&self, dice: &mut Dice, versions: &[Option<usize>]) -> Deed {
        if dice.chance(8) {
            return Deed::Allow { bytes: *dice.pick(&[0, 2_000, 1 << 30]) };
        }
        let thing = dice.below(self.things.len());
        // What the viewer may write himself would be undone by storing it anew.
        let restylable = versions[thing].filter(|_| !self.things[thing].hidden && (!self.things[thing].full || !self.viewer.ever_edits()));
        if let (Some(version), true) = (restylable, dice.chance(40)) {
            return Deed::Restyle { thing, version, seed: dice.roll() };
        }
        match dice.below(12) {
            0 | 1 => Deed::Elsewhere { seed: dice.roll() },
            2 | 3 => Deed::Properties { seed: dice.roll() },
            4 => Deed::Others { seed: dice.roll() },
            5 => Deed::OwnerLooks { seed: dice.roll() },
            6 => Deed::AlarmOnAny { seed: dice.roll() },
            7 => Deed::Alarm { thing },
            choice => {
                // Only what is nothing to the viewer may come, go or change its name in one world.
                let hidden: Vec<usize> = self.things.iter().filter(|thing| thing.hidden).map(|thing| thing.number).collect();
                match (dice.pick_any(&hidden), choice) {
                    (Some(thing), 8) if dice.chance(40) => Deed::TakeBack { thing: *thing },
                    (Some(thing), 8 | 9) => Deed::Store { thing: *thing, version: dice.below(3) },
                    (Some(thing), 10) => Deed::Remove { thing: *thing },
                    _ if !self.things[thing].full && versions[thing].is_some() => match dice.chance(50) {
                        // Something the viewer made in the meantime could keep it from coming back.
                        false if !self.viewer.ever_creates() && dice.chance(50) => Deed::Undo { thing },
                        false if !self.viewer.ever_creates() && !self.viewer.is_open() => Deed::Away { thing },
                        _ => Deed::Rename { thing },
                    },
                    _ => Deed::Alarm { thing },
                }
            }
        }
    }
}
