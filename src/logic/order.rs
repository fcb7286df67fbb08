//! Short lists in order.

/// Puts an item before the first one before which it `belongs`. Where a list is short, a sort is no faster and takes some KiB of code for
/// each kind of item.
pub fn insert<T>(list: &mut Vec<T>, item: T, belongs: impl Fn(&T, &T) -> bool) {
    let place = list.partition_point(|known| !belongs(&item, known));
    list.insert(place, item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_in_order_and_those_of_one_rank_in_that_of_their_coming() {
        let mut list = vec![];
        for item in [(3, 'a'), (1, 'b'), (3, 'c'), (2, 'd'), (1, 'e')] {
            insert(&mut list, item, |new, known| new.0 < known.0);
        }
        assert_eq!(list, [(1, 'b'), (1, 'e'), (2, 'd'), (3, 'a'), (3, 'c')]);
    }
}
