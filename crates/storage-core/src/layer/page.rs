//! Pages that hold as many bytes as was asked for, once their values are decoded.

use crate::{Direction, Item, KeyRange, Page, ScanOptions};

/// Keeps of a page what fits into its limit, given how long each value is once it is
/// decoded. The first entry stays, however long. Of `range`, which was scanned in
/// order, what was left out is still to be scanned.
#[must_use]
pub fn cut(page: Page, lengths: &[usize], range: &KeyRange, options: &ScanOptions) -> Page {
    let fitting = fitting(&page, lengths, options.bytes_max);
    let Page { mut items, next } = page;
    if fitting >= items.len() {
        return Page::new(items, next);
    }
    items.truncate(fitting);
    let next = items.last().map(|last| match options.direction {
        Direction::Forward => range.after(last.key.clone()),
        Direction::Reverse => range.before(last.key.clone()),
    });
    Page::new(items, next)
}

/// How many entries of a page fit into its limit, at least one.
#[must_use]
pub fn fitting(page: &Page, lengths: &[usize], bytes_max: usize) -> usize {
    let mut bytes = 0_usize;
    let fits = |(item, length): &(&Item, &usize)| {
        bytes = bytes
            .saturating_add(item.key.len())
            .saturating_add(**length);
        bytes <= bytes_max
    };
    let fitting = page.items.iter().zip(lengths).take_while(fits).count();
    fitting.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entry;

    fn page() -> Page {
        let item = |key: &'static str| Item::new(key.into(), Entry::without_value(None));
        Page::new(vec![item("a"), item("b"), item("c")], None)
    }

    #[test]
    fn a_page_is_cut_where_its_bytes_run_out() {
        let range = KeyRange::between("a".."z");
        for (bytes_max, kept) in [(0, 1), (10, 1), (11, 1), (22, 2), (32, 2), (33, 3)] {
            let options = ScanOptions::new().bytes_max(bytes_max);
            let page = cut(page(), &[10, 10, 10], &range, &options);
            assert_eq!(page.items.len(), kept, "{bytes_max}");
            let last = page.items[kept - 1].key.clone();
            let next = (kept < 3).then(|| range.after(last));
            assert_eq!(page.next, next, "{bytes_max}");
        }
    }

    #[test]
    fn what_is_left_of_a_reverse_scan_lies_before_the_last_entry() {
        let range = KeyRange::between("a".."z");
        let options = ScanOptions::new().reverse().bytes_max(11);
        let page = cut(page(), &[10, 10, 10], &range, &options);
        assert_eq!(page.next, Some(range.before("a".into())));
    }
}
