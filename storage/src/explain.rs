//! Why a viewer sees and may do what he does, with names instead of ids: for administrators everything, for the owner what she
//! may know of him. The decision is `acl`'s, and so is its explanation; nothing of having asked is kept.

use crate::authorized::AuthorizedStore;
use crate::client::ClientName;
use crate::error::{Error, Result};
use crate::journal::{GranteeTold, Terms};
use crate::preview::Eyes;
use crate::read::Read;
use crate::record::StoredCalendar;
use crate::store::Snapshot;
use crate::{principals, synchronization};
use acl::access::{AccessMatrix, Cell, Reason};
use acl::explain::{Because, Chooser, ExplainedComponent, ExplainedObject, ExplainedSource, Explanation};
use acl::target::Synchronization;
use acl::{EventPrivacy, Visibility};
use chrono::{DateTime, Utc};
use ical::ComponentKind;
use serde::Serialize;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Whoever administers the machine: everything.
    Administrator,
    /// The calendar's owner: what she granted by its name, all else as the organisation's rules. Roles, places in the module
    /// and administrators' rights are none of hers.
    Owner,
}

/// Why one viewer sees and may do what he does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explained {
    /// `owner/name`
    pub calendar: String,
    /// User name.
    pub viewer: String,
    /// What is said of his private items, if this is about what his own calendar is synchronized with and not about him; by
    /// itself absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronization: Option<Synchronization>,
    /// Whether it is about that.
    pub target: bool,
    /// The moment of the decision.
    pub at: DateTime<Utc>,
    /// What holds.
    #[serde(flatten)]
    pub access: Rights,
    /// Every source that was looked at.
    pub sources: Vec<SourceTold>,
    /// How private events appear under a grant that has no word of its own, and who chose it.
    pub private_events: Chosen,
    /// What `CLASS:PUBLIC` means in this calendar, and who chose it.
    pub class_public: Chosen,
    /// What will change if nobody changes anything.
    pub later: Vec<LaterTold>,
    /// Of one object, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectTold>,
}

/// What a viewer sees and may do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rights {
    /// Whether the calendar exists for him.
    pub reaches: bool,
    /// Whether it is his own.
    pub owner: bool,
    /// Of events of standard privacy.
    pub standard: CellTold,
    /// Of public ones.
    pub public: CellTold,
    /// Of confidential ones.
    pub confidential: CellTold,
    /// Of private ones.
    pub private: CellTold,
    /// The kinds of components that what stands of confidential and private ones is about; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_kinds: Option<Vec<&'static str>>,
    /// Whether he may put events in.
    pub create: bool,
    /// Whether he sees places with titles.
    pub with_places: bool,
}

/// What is seen and may be done of events of one privacy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CellTold {
    /// `hidden`, `free-busy`, `title` or `full`
    pub visibility: &'static str,
    /// Change them.
    pub edit: bool,
    /// Delete them.
    pub delete: bool,
}

impl From<Cell> for CellTold {
    fn from(cell: Cell) -> Self {
        let full = cell.visibility == Visibility::Full;
        Self { visibility: word(cell.visibility), edit: full && cell.edit, delete: full && cell.delete }
    }
}

fn private_kinds(matrix: &AccessMatrix) -> Option<Vec<&'static str>> {
    let acl::Relation::Target(items) = matrix.relation else { return None };
    let kinds = [ComponentKind::Event, ComponentKind::ToDo].into_iter().filter(|kind| items.include(*kind));
    Some(kinds.map(ComponentKind::name).collect())
}

impl From<&AccessMatrix> for Rights {
    fn from(matrix: &AccessMatrix) -> Self {
        let cell = |privacy| CellTold::from(matrix.cell(privacy));
        Self {
            reaches: matrix.reaches(),
            owner: matrix.relation == acl::Relation::Owner,
            standard: cell(EventPrivacy::Standard),
            public: cell(EventPrivacy::Public),
            confidential: cell(EventPrivacy::Confidential),
            private: cell(EventPrivacy::Private),
            private_kinds: private_kinds(matrix),
            create: matrix.create,
            with_places: matrix.with_places,
        }
    }
}

/// One source.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SourceTold {
    /// `owner`, `grant`, `mode`, `superior`, `role-exception`, `administrator`, `opened`, `module-denied`,
    /// `synchronized`, `none`; for an owner
    /// who asks, `organisation` for all but the first two and the last.
    pub source: &'static str,
    /// Of a grant: `counts`, `capped`, `paused`, `expired`, or `less-specific` where a more specific kind of grant decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// Whom the grant is for; `None` where that is somebody removed since.
    #[serde(flatten)]
    pub grantee: Option<GranteeTold>,
    /// What the grant says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<Terms>,
    /// The level to which the organisation's cap brings it down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<&'static str>,
    /// The organisation's mode, or what a role exception permits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<&'static str>,
    /// When it ends, or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// What it gives.
    pub gives: Option<Rights>,
    /// What it would give but for what was taken from it, where that is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_give: Option<Rights>,
    /// The privacies of events for which it decides what is seen.
    pub decides: Vec<EventPrivacy>,
}

/// A choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Chosen {
    /// What was chosen.
    pub word: &'static str,
    /// `calendar` or `organisation`
    pub by: &'static str,
}

/// A change that comes by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaterTold {
    /// From then on.
    pub at: DateTime<Utc>,
    /// This holds.
    #[serde(flatten)]
    pub access: Rights,
}

/// What a viewer is shown of one object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObjectTold {
    /// The owner's name of it.
    pub name: String,
    /// His; `None`: it does not exist for him.
    pub shown_as: Option<String>,
    /// Whether he may change it.
    pub edit: bool,
    /// Whether he may delete it.
    pub delete: bool,
    /// Of each of its components.
    pub components: Vec<ComponentTold>,
}

/// What a viewer is shown of one component.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComponentTold {
    /// The instance that it describes; `None`: the whole.
    pub recurrence_id: Option<String>,
    /// As recorded.
    pub privacy: EventPrivacy,
    /// What his access shows of it.
    pub allowed: &'static str,
    /// What he is shown.
    pub shown: &'static str,
    /// `access`, `personal`, `not-listed`, `beside-editable` or `cannot-be-shown`
    pub because: &'static str,
}

fn word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Hidden => "hidden",
        Visibility::FreeBusy => "free-busy",
        Visibility::Title => "title",
        Visibility::Full => "full",
    }
}

/// Explains one viewer's access to a calendar, and to one of its objects: by the owner's name of it, or by its UID.
pub(crate) fn explain(
    snapshot: &Snapshot<'_>,
    calendar: &StoredCalendar,
    eyes: Eyes,
    object: Option<&str>,
    audience: Audience,
) -> Result<Explained> {
    let aside = snapshot.aside();
    let client = ClientName::default();
    let store = eyes.store(&aside, &client);
    let explanation = store.explain_access(calendar)?;
    let user = |id| Ok::<_, Error>(principals::user(&aside, id)?.ok_or(Error::NotFound)?.name);
    let object = object.map(|name| {
        let owner = AuthorizedStore::new(&aside, calendar.record.owner, &client);
        let (id, name) = owner.object_named(calendar, name)?.ok_or(Error::NotFound)?;
        Ok::<_, Error>(object_told(name, store.explain_object(calendar, id)?))
    });
    let is_synchronized = explanation.sources.iter().any(|explained| matches!(explained.source.reason, Reason::Synchronized(_)));
    let chooser = |by| if by == Chooser::Calendar { "calendar" } else { "organisation" };
    let (private_events, public_means) = (explanation.private_events, explanation.public_means);
    Ok(Explained {
        calendar: format!("{}/{}", user(calendar.record.owner)?, calendar.record.name),
        viewer: user(eyes.user())?,
        target: matches!(eyes, Eyes::TargetOf(_)),
        synchronization: is_synchronized.then(|| synchronization::of(&aside, eyes.user())).transpose()?,
        at: aside.now(),
        access: Rights::from(&explanation.matrix),
        private_events: Chosen { word: private_events.0.word(), by: chooser(private_events.1) },
        class_public: Chosen { word: public_means.0.word(), by: chooser(public_means.1) },
        later: explanation.later.iter().map(|later| LaterTold { at: later.at, access: Rights::from(&later.matrix) }).collect(),
        sources: sources(&aside, &explanation, audience)?,
        object: object.transpose()?,
    })
}

fn sources(read: &dyn Read, explanation: &Explanation, audience: Audience) -> Result<Vec<SourceTold>> {
    let mut told = Vec::new();
    // For an owner all that is the organisation's is one source, whatever it is made of.
    let mut organisation: Option<(AccessMatrix, Vec<EventPrivacy>, Option<DateTime<Utc>>)> = None;
    for explained in &explanation.sources {
        let is_hers = matches!(
            explained.source.reason,
            Reason::Owner
                | Reason::NoSource
                | Reason::Synchronized(_)
                | Reason::Granted(_)
                | Reason::Capped(..)
                | Reason::Paused(_)
                | Reason::Expired(_)
                | Reason::LessSpecific(_)
        );
        if audience == Audience::Administrator || is_hers {
            told.push(source(read, explained)?);
            continue;
        }
        let (matrix, decides, until) = organisation.get_or_insert_with(Default::default);
        *matrix = matrix.max(&explained.source.matrix);
        decides.extend(explained.decides.iter().filter(|privacy| !decides.contains(privacy)).copied().collect::<Vec<_>>());
        *until = (*until).into_iter().chain(explained.source.until).min();
    }
    told.extend(organisation.map(|(matrix, decides, until)| SourceTold {
        source: "organisation",
        gives: Some(Rights::from(&matrix)),
        decides,
        until,
        ..SourceTold::default()
    }));
    Ok(told)
}

fn source(read: &dyn Read, explained: &ExplainedSource) -> Result<SourceTold> {
    let mut told = SourceTold {
        gives: Some(Rights::from(&explained.source.matrix)),
        until: explained.source.until,
        decides: explained.decides.clone(),
        grant: explained.grant.as_ref().map(Terms::from),
        ..SourceTold::default()
    };
    if explained.source.otherwise != explained.source.matrix {
        told.would_give = Some(Rights::from(&explained.source.otherwise));
    }
    let (kind, state, grantee) = match explained.source.reason {
        Reason::Owner => ("owner", None, None),
        Reason::ModuleDenied => ("module-denied", None, None),
        Reason::Granted(grantee) => ("grant", Some("counts"), Some(grantee)),
        Reason::Capped(grantee, cap) => {
            told.cap = Some(cap.word());
            ("grant", Some("capped"), Some(grantee))
        }
        Reason::Paused(grantee) => ("grant", Some("paused"), Some(grantee)),
        Reason::Expired(grantee) => ("grant", Some("expired"), Some(grantee)),
        Reason::LessSpecific(grantee) => ("grant", Some("less-specific"), Some(grantee)),
        Reason::Mode(mode) => {
            told.word = Some(mode.word());
            ("mode", None, None)
        }
        Reason::Superior => ("superior", None, None),
        Reason::RoleException(permission) => {
            told.word = Some(permission.word());
            ("role-exception", None, None)
        }
        Reason::Administrator => ("administrator", None, None),
        Reason::Opened => ("opened", None, None),
        Reason::Synchronized(_) => ("synchronized", None, None),
        Reason::NoSource => ("none", None, None),
    };
    (told.source, told.state) = (kind, state);
    told.grantee = grantee.map(|grantee| GranteeTold::of(read, grantee)).transpose()?.flatten();
    Ok(told)
}

fn object_told(name: String, explained: ExplainedObject) -> ObjectTold {
    ObjectTold {
        name,
        shown_as: explained.name,
        edit: explained.rights.edit,
        delete: explained.rights.delete,
        components: explained.components.into_iter().map(component_told).collect(),
    }
}

fn component_told(component: ExplainedComponent) -> ComponentTold {
    ComponentTold {
        recurrence_id: component.recurrence_id.map(|id| id.0),
        privacy: component.privacy,
        allowed: word(component.allowed),
        shown: word(component.shown),
        because: match component.because {
            Because::Access => "access",
            Because::Personal => "personal",
            Because::NotListed => "not-listed",
            Because::BesideEditable => "beside-editable",
            Because::CannotBeShown => "cannot-be-shown",
        },
    }
}
