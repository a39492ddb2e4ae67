//! Claims about stores that are unfinished copies.

use super::*;

#[test]
fn an_unfinished_copy_is_not_copied() {
    let (from, part, to) = (filled(), memory(), memory());
    copy_in_part(&from, &part, 500);
    let words = format!("an unfinished copy of the store {}", header(&from).id);
    refused(
        copy(&part, &to, CopyStart::Empty),
        ErrorKind::Invalid,
        &words,
    );
    let live = block_on(CopySource::of_live(part.clone()));
    refused(live, ErrorKind::Invalid, "resume that copy first");
    assert_eq!(block_on(to.count(KeyRange::all())).unwrap(), 0);

    copy(&from, &part, CopyStart::Resume).unwrap();
    verify(&from, &part).unwrap();
    copy(&part, &to, CopyStart::Empty).unwrap();
    verify(&from, &to).unwrap();
}

#[test]
fn an_unfinished_copy_does_not_open_as_a_stack() {
    let (from, to) = (filled(), memory());
    copy_in_part(&from, &to, 500);
    let words = format!("an unfinished copy of the store {}", header(&from).id);
    let open = || block_on(Stack::on(to.clone()).open());
    refused(open(), ErrorKind::Invalid, &words);
    copy(&from, &to, CopyStart::Resume).unwrap();
    refused(open(), ErrorKind::Invalid, "--resume");
    verify(&from, &to).unwrap();
    open().unwrap();
}
