//! The filesystem engine of `storage`: each value is a file that a person can open.
