//! Integration tests, one binary.

#![forbid(unsafe_code)]

mod forms;

#[test]
fn each_form_has_a_value_of_its_own() {
    for (form, value) in forms::each() {
        let view = value.view();
        let is = [
            view.string().is_some(),
            view.list().is_some(),
            view.hash().is_some(),
            view.set().is_some(),
            view.sorted_set().is_some(),
            view.stream().is_some(),
        ];
        assert_eq!(is.iter().filter(|&&is| is).count(), 1, "{form:?} is of one type");
        let same = forms::each().filter(|(_, other)| *other == value);
        assert_eq!(same.count(), 1, "{form:?} is unlike all others");
    }
}
