//! Connections by number, and tokens that stay distinct after a number has been reused.

/// A connection of one loop: its place and the generation of that place, so a stale token finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(u64);

/// Bits of a token that are the place; the others, 40, count how often the place has been given away. At a million
/// reuses of one place a second they last twelve days at that rate, and a place that runs out is retired.
const INDEX_BITS: u32 = 24;
const LAST_GENERATION: u64 = (1 << (64 - INDEX_BITS)) - 2;

impl Token {
    fn new(index: usize, generation: u64) -> Token {
        Token(generation << INDEX_BITS | index as u64)
    }

    /// The place alone: small, unique among the connections that are open, reused afterwards.
    pub fn index(self) -> usize {
        (self.0 & ((1 << INDEX_BITS) - 1)) as usize
    }

    /// The token as a number, for a system call that carries one.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// The inverse of [`Token::bits`].
    pub(crate) fn from_bits(bits: u64) -> Token {
        Token(bits)
    }

    fn generation(self) -> u64 {
        self.0 >> INDEX_BITS
    }
}

#[derive(Debug)]
struct Place<T> {
    generation: u64,
    value: Option<T>,
}

#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<usize>,
}

impl<T> Slab<T> {
    pub(crate) fn new() -> Slab<T> {
        Slab { places: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Stores what `make` builds from its token, or gives `None` when all places are taken.
    pub(crate) fn insert(&mut self, make: impl FnOnce(Token) -> T) -> Option<Token> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.places.len() < 1 << INDEX_BITS => {
                self.places.push(Place { generation: 0, value: None });
                self.places.len() - 1
            }
            None => return None,
        };
        let place = &mut self.places[index];
        let token = Token::new(index, place.generation);
        place.value = Some(make(token));
        Some(token)
    }

    pub(crate) fn get(&self, token: Token) -> Option<&T> {
        let place = self.places.get(token.index())?;
        if place.generation == token.generation() { place.value.as_ref() } else { None }
    }

    pub(crate) fn get_mut(&mut self, token: Token) -> Option<&mut T> {
        let place = self.places.get_mut(token.index())?;
        if place.generation == token.generation() { place.value.as_mut() } else { None }
    }

    /// Takes the value out; the token is void from now on.
    pub(crate) fn remove(&mut self, token: Token) -> Option<T> {
        let place = self.places.get_mut(token.index())?;
        if place.generation != token.generation() {
            return None;
        }
        let value = place.value.take()?;
        if place.generation < LAST_GENERATION {
            place.generation += 1;
            self.free.push(token.index());
        }
        Some(value)
    }

    /// The value at a place, whatever its generation, with its token.
    #[cfg(target_os = "linux")]
    pub(crate) fn at(&mut self, index: usize) -> Option<(Token, &mut T)> {
        let place = self.places.get_mut(index)?;
        let token = Token::new(index, place.generation);
        place.value.as_mut().map(|value| (token, value))
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn tokens(&self) -> impl Iterator<Item = Token> {
        let places = self.places.iter().enumerate();
        places
            .filter(|(_, place)| place.value.is_some())
            .map(|(index, place)| Token::new(index, place.generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_token_finds_nothing() {
        let mut slab = Slab::new();
        let a = slab.insert(|_| 'a').unwrap();
        assert_eq!(slab.remove(a), Some('a'));
        let b = slab.insert(|_| 'b').unwrap();
        assert_eq!((a.index(), slab.len()), (b.index(), 1));
        assert_ne!(a, b);
        assert_eq!(slab.get(a), None);
        assert_eq!(slab.get_mut(a), None);
        assert_eq!(slab.remove(a), None);
        assert_eq!(slab.get(b), Some(&'b'));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_place_tells_its_present_token() {
        let mut slab = Slab::new();
        let old = slab.insert(|_| 'a').unwrap();
        slab.remove(old);
        assert_eq!(slab.at(old.index()), None);
        let new = slab.insert(|_| 'b').unwrap();
        assert_eq!(slab.at(old.index()), Some((new, &mut 'b')));
        assert_eq!(slab.tokens().collect::<Vec<_>>(), [new]);
    }

    #[test]
    fn a_place_whose_generations_are_used_up_is_retired() {
        let mut slab = Slab::new();
        let first = slab.insert(|_| ()).unwrap();
        slab.places[0].generation = LAST_GENERATION;
        let last = Token::new(first.index(), LAST_GENERATION);
        assert_eq!(slab.remove(last), Some(()));
        assert_eq!(slab.insert(|_| ()).unwrap().index(), 1);
    }
}
