//! What the organisation gives a viewer or takes from him, beside what he is granted: policy, roles, exceptions, his place in
//! the calendar module. The same in both worlds; what differs is only what all of it leaves hidden.

use crate::harness::dice::Dice;
use acl::policy::{AdminContent, Caps, Confidential, GrantsCover, GrantsCreate, GrantsShow, Mode, ModuleRole, Preset, RolePermission};
use acl::{Level, Policy, PolicyKey, PrincipalId, RoleException};
use std::collections::BTreeSet;
use storage::administration::entry::{ModuleEntry, PolicyEntry, PolicyValue, RoleEntry, RoleExceptionEntry};
use storage::administration::{ApplyFile, GroupEntry};

/// Which role the viewer has, beside the owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    None,
    Top,
    Superior,
    Same,
    Lower,
    Elsewhere,
}

/// Roles, each with the one it reports to. The owner's is [`OWNERS`].
const ROLES: [(&str, Option<&str>); 5] =
    [("boss", None), ("chief", Some("boss")), ("clerk", Some("chief")), ("intern", Some("clerk")), ("sales", None)];
const OWNERS: &str = "clerk";
/// The role that shares are made with.
pub const GRANTED: &str = "sales";

/// Groups in groups in a group, at most.
pub const DEPTH_MAX: usize = 5;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Organisation {
    pub preset: Preset,
    pub mode: Mode,
    pub place: Place,
    pub exception: Option<RolePermission>,
    pub module: ModuleRole,
    /// The place in the module is that of his group.
    pub by_group: bool,
    pub admin: Option<AdminContent>,
    pub caps: Caps,
    pub confidential: Confidential,
    pub cover: Option<GrantsCover>,
    pub create: Option<GrantsCreate>,
    pub show: Option<GrantsShow>,
    pub participants: bool,
    /// Owner and viewer are in one group.
    pub fellows: bool,
    /// How many groups stand between `team` and the viewer, each a member of the one before; and between `house` and him.
    pub depth: usize,
    /// Where that chain is cut while he is no member.
    pub cut: usize,
    /// The viewer gave a reason for opening the calendar, if he is an administrator.
    pub opened: bool,
}

impl Organisation {
    /// One that neither gives nor takes.
    pub const NOTHING: Self = Self {
        preset: Preset::None,
        mode: Mode::Off,
        place: Place::None,
        exception: None,
        module: ModuleRole::Employee,
        by_group: false,
        admin: None,
        caps: Caps { everyone: None, group: None, outside_group: None },
        confidential: Confidential::AsPrivate,
        cover: None,
        create: None,
        show: None,
        participants: true,
        fellows: false,
        depth: 0,
        cut: 0,
        opened: false,
    };

    /// Any.
    pub fn generated(dice: &mut Dice) -> Self {
        let cap = |dice: &mut Dice| dice.chance(20).then(|| *dice.pick(&Level::ALL));
        let some = |dice: &mut Dice, percent: usize| dice.chance(percent);
        Self {
            preset: *dice.pick(&[Preset::None, Preset::None, Preset::Aspro, Preset::Vtecrm]),
            mode: if some(dice, 45) { Mode::Off } else { *dice.pick(Mode::ALL) },
            place: *dice.pick(&[Place::None, Place::None, Place::Top, Place::Superior, Place::Same, Place::Lower, Place::Elsewhere]),
            exception: if some(dice, 25) { Some(*dice.pick(RolePermission::ALL)) } else { None },
            module: if some(dice, 75) { ModuleRole::Employee } else { *dice.pick(ModuleRole::ALL) },
            by_group: some(dice, 40),
            admin: if some(dice, 50) { Some(*dice.pick(AdminContent::ALL)) } else { None },
            caps: Caps { everyone: cap(dice), group: cap(dice), outside_group: cap(dice) },
            confidential: if some(dice, 60) { Confidential::AsPrivate } else { *dice.pick(Confidential::ALL) },
            cover: if some(dice, 20) { Some(*dice.pick(GrantsCover::ALL)) } else { None },
            create: if some(dice, 20) { Some(*dice.pick(GrantsCreate::ALL)) } else { None },
            show: if some(dice, 20) { Some(*dice.pick(GrantsShow::ALL)) } else { None },
            participants: some(dice, 80),
            fellows: some(dice, 40),
            depth: if some(dice, 40) { 0 } else { dice.below(DEPTH_MAX) + 1 },
            cut: dice.below(DEPTH_MAX + 1),
            opened: some(dice, 40),
        }
    }

    /// What holds.
    pub fn policy(&self) -> Policy {
        let preset = self.preset.policy();
        Policy {
            mode: self.mode,
            confidential: self.confidential,
            grants_cover: self.cover.unwrap_or(preset.grants_cover),
            grants_create: self.create.unwrap_or(preset.grants_create),
            grants_show: self.show.unwrap_or(preset.grants_show),
            admin_content: self.admin.unwrap_or(preset.admin_content),
            participants_see_full: self.participants && preset.participants_see_full,
            caps: self.caps,
            ..preset
        }
    }

    fn role(&self) -> Option<&'static str> {
        match self.place {
            Place::None => None,
            Place::Top => Some("boss"),
            Place::Superior => Some("chief"),
            Place::Same => Some(OWNERS),
            Place::Lower => Some("intern"),
            Place::Elsewhere => Some(GRANTED),
        }
    }

    /// The viewer's role, as an id.
    pub fn role_id(&self) -> Option<PrincipalId> {
        self.role().map(id)
    }

    /// The owner's role and those above it.
    pub fn owner_roles() -> [PrincipalId; 3] {
        ["clerk", "chief", "boss"].map(id)
    }

    pub fn exceptions(&self) -> Vec<RoleException> {
        let of = |permission| self.role().map(|role| RoleException { owner_role: id(OWNERS), viewer_role: id(role), permission });
        self.exception.and_then(of).into_iter().collect()
    }

    /// The viewer's place in the module, `member` telling whether he is in his group.
    pub fn module_role(&self, member: bool) -> ModuleRole {
        if self.by_group && !member { ModuleRole::Employee } else { self.module }
    }

    /// Whether calendars of which nobody shared anything are open to the viewer: what is different in the worlds has to stay
    /// out of every calendar then, not only out of one.
    pub fn is_open(&self) -> bool {
        let by_role = matches!(self.place, Place::Top | Place::Superior) || (self.exception.is_some() && self.place != Place::None);
        let by_mode = !matches!(self.mode, Mode::Off | Mode::Private) || (self.mode != Mode::Off && by_role);
        by_mode || (self.module == ModuleRole::Admin && self.policy().admin_content == AdminContent::Full)
    }

    /// What an administrator applies to have it so.
    pub fn file(&self) -> ApplyFile {
        let policy = self.policy();
        let chosen = PolicyKey::ALL.into_iter().filter_map(|key| Some((key.word().to_owned(), PolicyValue::of(key, &key.get(&policy)?))));
        let preset = ("preset".to_owned(), PolicyValue::Word(self.preset.word().to_owned()));
        let members = |role: &str| {
            let owner = (role == OWNERS).then(|| "alice".to_owned());
            owner.into_iter().chain((self.role() == Some(role)).then(|| "bob".to_owned())).collect()
        };
        let roles =
            ROLES.map(|(name, above)| RoleEntry { name: name.into(), reports_to: above.map(str::to_owned), members: members(name) });
        let exceptions = ROLES.map(|(name, _)| RoleExceptionEntry {
            owner_role: OWNERS.into(),
            viewer_role: name.into(),
            permission: self.exception.filter(|_| self.role() == Some(name)).map_or("none", RolePermission::word).into(),
        });
        let module = |is_group: bool| if self.by_group == is_group { self.module.word() } else { "inherit" };
        ApplyFile {
            policy: PolicyEntry(chosen.chain([preset]).collect()),
            roles: roles.into(),
            role_exceptions: exceptions.into(),
            modules: vec![
                ModuleEntry { user: Some("bob".into()), role: module(false).into(), ..ModuleEntry::default() },
                ModuleEntry { group: Some("team".into()), role: module(true).into(), ..ModuleEntry::default() },
            ],
            groups: self.nested("house", "alice", self.fellows),
            ..ApplyFile::default()
        }
    }

    /// A group with one direct member, and the viewer at the end of a chain of groups in it, of which one link is missing unless
    /// he is in it. Groups beyond the chain's end are there, and empty.
    pub fn nested(&self, name: &str, member: &str, is_in: bool) -> Vec<GroupEntry> {
        let link = |at: usize| if at == 0 { name.to_owned() } else { format!("{name}-{at}") };
        let cut = (!is_in).then(|| self.cut % (self.depth + 1));
        let group = |at: usize| {
            let next = if at < self.depth { link(at + 1) } else { "bob".to_owned() };
            let direct = (at == 0).then(|| member.to_owned());
            let deeper = (at <= self.depth && cut != Some(at)).then_some(next);
            GroupEntry { name: link(at), members: direct.into_iter().chain(deeper).collect() }
        };
        (0..=DEPTH_MAX).map(group).collect()
    }

    /// The group that owner and viewer may share.
    pub fn fellowship(&self) -> BTreeSet<PrincipalId> {
        if self.fellows { BTreeSet::from([id("house")]) } else { BTreeSet::new() }
    }
}

/// An id for a name, where ids only have to be different.
pub fn id(name: &str) -> PrincipalId {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
    PrincipalId(bytes)
}
