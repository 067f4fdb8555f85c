//! Which document each operation of a batch means, and the order of execution (protocol §1.3).

use std::collections::HashMap;

use crate::domain::document::Receipt;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::DocumentId;
use crate::domain::operation::{OperationError, OperationKind, Submitted, Target};

/// What an operation's target came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The document meant; `None` if it could not be found out.
    pub document_id: Option<DocumentId>,
    /// The position of the create in this batch that the operation refers to.
    pub refers_to: Option<usize>,
    /// Why the reference leads nowhere.
    pub error: Option<OperationError>,
}

/// Finds the document of each operation: its own id, the id minted for it, or by `document_ref` the one of a create
/// of this batch or of an earlier batch (`receipts`, by `client_id`). A create that was applied before keeps the id
/// that it was given then.
#[must_use]
pub fn resolve_targets(operations: &[Submitted], receipts: &HashMap<String, Receipt>) -> Vec<Resolution> {
    let mut by_name: HashMap<&str, usize> = HashMap::new();
    for (position, operation) in operations.iter().enumerate() {
        if let Some(name) = operation.client_id() {
            by_name.entry(name).or_insert(position);
        }
    }
    operations.iter().map(|operation| resolve(operation, operations, &by_name, receipts)).collect()
}

fn resolve(
    operation: &Submitted,
    operations: &[Submitted],
    by_name: &HashMap<&str, usize>,
    receipts: &HashMap<String, Receipt>,
) -> Resolution {
    let found = |document_id, refers_to| Resolution { document_id, refers_to, error: None };
    match operation.target() {
        None => found(None, None),
        Some(Target::Id(id)) => found(Some(*id), None),
        Some(Target::Minted(id)) => found(Some(id_before(operation, receipts).unwrap_or(*id)), None),
        Some(Target::Ref(name)) => {
            let create = by_name.get(name.as_str()).and_then(|at| operations.get(*at).map(|named| (*at, named)));
            match create {
                Some((at, named)) if named.kind() == Some(OperationKind::Create) => {
                    let id = match named.target() {
                        Some(Target::Minted(id)) => Some(id_before(named, receipts).unwrap_or(*id)),
                        Some(Target::Id(id)) => Some(*id),
                        _ => None,
                    };
                    found(id, Some(at))
                }
                Some(_) => unresolved(operation, ErrorCode::Invalid, "document_ref must name a create of this batch"),
                None => match receipts.get(name).filter(|receipt| receipt.kind == OperationKind::Create) {
                    Some(receipt) => found(Some(receipt.document_id), None),
                    None => unresolved(
                        operation,
                        ErrorCode::NotFound,
                        "document_ref names no create of this batch, nor one that this device pushed before",
                    ),
                },
            }
        }
    }
}

/// The id that a create was given when it was first applied.
fn id_before(operation: &Submitted, receipts: &HashMap<String, Receipt>) -> Option<DocumentId> {
    let receipt = receipts.get(operation.client_id()?)?;
    (receipt.kind == OperationKind::Create).then_some(receipt.document_id)
}

fn unresolved(operation: &Submitted, code: ErrorCode, message: &str) -> Resolution {
    let pointer = Some(format!("/operations/{}/document_ref", operation.index()));
    Resolution {
        document_id: None,
        refers_to: None,
        error: Some(OperationError { code, message: message.to_owned(), pointer }),
    }
}

/// The order of execution, as positions in `operations`: checks, which look at what was there before the batch, then creates, then updates, then deletes, as submitted within a
/// kind; on one document as submitted, except that a create stands before what refers to it by name.
#[must_use]
pub fn execution_order(operations: &[Submitted], resolutions: &[Resolution]) -> Vec<usize> {
    let mut stages: Vec<Option<OperationKind>> = vec![None; operations.len()];
    let mut latest: HashMap<DocumentId, OperationKind> = HashMap::new();
    let mut place = |position: usize, stages: &mut Vec<Option<OperationKind>>| {
        let Some(stage) = stages.get_mut(position).filter(|stage| stage.is_none()) else { return };
        let own = operations.get(position).and_then(Submitted::kind).unwrap_or(OperationKind::Create);
        if own == OperationKind::Check {
            *stage = Some(own);
            return;
        }
        let document = resolutions.get(position).and_then(|resolution| resolution.document_id);
        let placed = document.and_then(|id| latest.get(&id).copied()).map_or(own, |before| before.max(own));
        *stage = Some(placed);
        if let Some(id) = document {
            latest.insert(id, placed);
        }
    };
    let mut submitted: Vec<usize> = Vec::with_capacity(operations.len());
    for (position, resolution) in resolutions.iter().enumerate() {
        // A create that is named by this operation is placed first, wherever it was submitted.
        for next in resolution.refers_to.into_iter().chain([position]) {
            if stages.get(next).is_some_and(Option::is_none) {
                submitted.push(next);
                place(next, &mut stages);
            }
        }
    }
    submitted.sort_by_key(|position| stages.get(*position).copied().flatten());
    submitted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::operation::RejectedOperation;

    fn id(n: u128) -> DocumentId {
        DocumentId(Uuid::from_u128(n))
    }

    fn operation(index: usize, kind: OperationKind, target: Target) -> Submitted {
        // The order does not look at validity, so a rejected operation is the shortest to write down.
        let error = OperationError { code: ErrorCode::Invalid, message: String::new(), pointer: None };
        Submitted::Rejected(RejectedOperation {
            index,
            client_id: Some(format!("op_{index}")),
            kind: Some(kind),
            target: Some(target),
            error,
        })
    }

    fn order(operations: &[Submitted]) -> Vec<usize> {
        execution_order(operations, &resolve_targets(operations, &HashMap::new()))
    }

    use OperationKind::{Create, Delete, Update};

    #[test]
    fn creates_then_updates_then_deletes() {
        let batch: Vec<_> = [(Delete, 1), (Update, 2), (Create, 3), (Update, 4), (Create, 5)]
            .into_iter()
            .enumerate()
            .map(|(index, (kind, document))| operation(index, kind, Target::Id(id(document))))
            .collect();
        assert_eq!(order(&batch), vec![2, 4, 1, 3, 0]);
    }

    #[test]
    fn checks_come_before_everything() {
        let batch: Vec<_> =
            [(Delete, 1), (Create, 1), (Update, 2), (OperationKind::Check, 1), (OperationKind::Check, 2)]
                .into_iter()
                .enumerate()
                .map(|(index, (kind, document))| operation(index, kind, Target::Id(id(document))))
                .collect();
        assert_eq!(order(&batch), vec![3, 4, 2, 0, 1]);
    }

    #[test]
    fn one_document_keeps_its_submitted_order() {
        let batch = [
            operation(0, Delete, Target::Id(id(1))),
            operation(1, Create, Target::Id(id(1))),
            operation(2, Update, Target::Id(id(1))),
            operation(3, Update, Target::Id(id(2))),
            operation(4, Create, Target::Id(id(3))),
        ];
        assert_eq!(order(&batch), vec![4, 3, 0, 1, 2]);
    }

    #[test]
    fn a_create_comes_before_what_refers_to_it() {
        let batch = [
            operation(0, Delete, Target::Ref("op_2".into())),
            operation(1, Update, Target::Ref("op_2".into())),
            operation(2, Create, Target::Minted(id(9))),
        ];
        let resolutions = resolve_targets(&batch, &HashMap::new());
        assert!(resolutions.iter().all(|resolution| resolution.document_id == Some(id(9))));
        assert_eq!(
            execution_order(&batch, &resolutions),
            vec![2, 0, 1],
            "the submitted delete stays before the update"
        );
    }

    #[test]
    fn a_reference_that_leads_nowhere_says_so() {
        let batch =
            [operation(0, Update, Target::Ref("gone".into())), operation(1, Update, Target::Ref("op_0".into()))];
        let codes: Vec<_> =
            resolve_targets(&batch, &HashMap::new()).into_iter().map(|r| r.error.map(|error| error.code)).collect();
        assert_eq!(codes, vec![Some(ErrorCode::NotFound), Some(ErrorCode::Invalid)]);
    }

    proptest! {
        /// Whatever is submitted: each operation runs once, each document's operations run as submitted, and operations
        /// on documents of their own are sorted by kind.
        #[test]
        fn order_laws(spec in prop::collection::vec((0..3_u8, 0..6_u128), 0..40)) {
            let batch: Vec<_> = spec.iter().enumerate().map(|(index, (kind, document))| {
                operation(index, [Create, Update, Delete][usize::from(*kind)], Target::Id(id(*document)))
            }).collect();
            let order = order(&batch);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..batch.len()).collect::<Vec<_>>());
            for document in 0..6 {
                let own: Vec<_> = order.iter().filter(|at| spec[**at].1 == document).collect();
                prop_assert!(own.is_sorted());
            }
            let alone = |at: &usize| spec.iter().filter(|other| other.1 == spec[*at].1).count() == 1;
            let kinds: Vec<_> = order.iter().filter(|at| alone(at)).map(|at| spec[*at].0).collect();
            prop_assert!(kinds.is_sorted());
        }
    }
}
