use super::*;
use proptest::prelude::*;

const WINDOW_MS: u64 = 4;
const TICK_MS: u64 = 100;
/// What a second worker makes a request cost more.
const OVERHEAD: f64 = 1.25;

fn load(busy: f64) -> Load {
    Load { busy, ..Load::default() }
}

/// Workers and connections, each of which asks for a part of a worker's time.
struct World {
    gathering: Gathering,
    active: usize,
    windows: Vec<Windows>,
    /// By connection: its demand in thousandths of a worker, and its worker.
    connections: Vec<(u64, usize)>,
    now_ms: u64,
    moves: usize,
    /// Noise of a window's measurement, from -1 to 1, drawn in turn.
    noise: Vec<f64>,
    drawn: usize,
}

impl World {
    fn new(workers: usize, demands: &[u64], noise: Vec<f64>) -> World {
        World {
            gathering: Gathering::default(),
            active: 1,
            windows: (0..workers).map(|_| Windows::default()).collect(),
            connections: demands.iter().map(|&demand| (demand, 0)).collect(),
            now_ms: 0,
            moves: 0,
            noise,
            drawn: 0,
        }
    }

    fn draw(&mut self) -> f64 {
        self.drawn += 1;
        if self.noise.is_empty() { 0.0 } else { self.noise[self.drawn % self.noise.len()] * 0.04 }
    }

    fn used(&self) -> usize {
        (0..self.windows.len()).filter(|&worker| self.demand(worker) > 0).count()
    }

    fn demand(&self, worker: usize) -> u64 {
        self.connections.iter().filter(|(_, at)| *at == worker).map(|(demand, _)| demand).sum()
    }

    fn loads(&mut self) -> Vec<Load> {
        let factor = if self.used() > 1 { OVERHEAD } else { 1.0 };
        let busy = |worker| self.demand(worker) as f64 / 1000.0 * factor;
        let busy: Vec<f64> = (0..self.windows.len()).map(busy).collect();
        busy.into_iter()
            .map(|busy| load((busy + if busy > 0.0 { self.draw() } else { 0.0 }).clamp(0.0, 1.0)))
            .collect()
    }

    /// A window of everybody, and a tick if it is time.
    fn step(&mut self) {
        self.now_ms += WINDOW_MS;
        let loads = self.loads();
        for own in 0..loads.len() {
            if let Some(why) = self.windows[own].end(loads[own].busy, Duration::ZERO, Duration::ZERO) {
                let Some(spread) = spread(own, self.active, &loads, why) else { continue };
                let theirs: Vec<usize> =
                    (0..self.connections.len()).filter(|&at| self.connections[at].1 == own).collect();
                let weigh = |&at: &usize| Candidate { weight: self.connections[at].0, can_move: true };
                let candidates: Vec<Candidate> = theirs.iter().map(weigh).collect();
                let chosen = choose(&candidates, spread.part, usize::MAX);
                chosen.iter().for_each(|&at| self.connections[theirs[at]].1 = spread.to);
                self.moves += chosen.len();
                if !chosen.is_empty() {
                    self.active = self.active.max(spread.to + 1);
                }
                self.windows[own].handed_over(chosen.len());
            }
        }
        if self.now_ms.is_multiple_of(TICK_MS) {
            let loads = self.loads();
            self.active = self.gathering.tick(self.active, &loads);
            let mut next = 0;
            for connection in &mut self.connections {
                if connection.1 >= self.active && connection.0 > 0 {
                    connection.1 = next % self.active;
                    next += 1;
                    self.moves += 1;
                }
            }
        }
    }

    fn run(&mut self, for_ms: u64) {
        (0..for_ms / WINDOW_MS).for_each(|_| self.step());
    }
}

#[test]
fn a_saturated_worker_hands_half_over_within_ten_ms() {
    let mut world = World::new(2, &[40; 50], vec![]);
    world.run(10);
    assert_eq!((world.demand(0), world.demand(1)), (1000, 1000));
    assert_eq!((world.moves, world.active), (25, 2));
}

#[test]
fn what_fits_gathers_within_a_second_and_stays() {
    let mut world = World::new(2, &[40; 50], vec![]);
    world.run(1000);
    assert_eq!(world.used(), 2);
    world.connections.iter_mut().for_each(|connection| connection.0 = 4);
    world.run(1000);
    assert_eq!((world.used(), world.active, world.demand(0)), (1, 1, 200));
    let moves = world.moves;
    world.run(60_000);
    assert_eq!(world.moves, moves);
}

#[test]
fn eight_workers_gather_at_once() {
    let mut world = World::new(8, &[80; 100], vec![]);
    world.run(2000);
    assert_eq!(world.used(), 8);
    world.connections.iter_mut().for_each(|connection| connection.0 = 1);
    world.run(1000);
    assert_eq!(world.used(), 1);
}

#[test]
fn a_heavy_client_ends_up_alone() {
    let mut demands = vec![2; 50];
    demands[20] = 950;
    let mut world = World::new(2, &demands, vec![]);
    world.run(200);
    let heavy = world.connections[20].1;
    assert_eq!(world.demand(heavy), 950, "{:?}", world.connections);
    let moves = world.moves;
    world.run(10_000);
    assert_eq!(world.moves, moves);
}

#[test]
fn a_long_turn_hands_half_to_a_worker_that_is_idle() {
    let loads = [load(0.1), load(0.0)];
    assert_eq!(spread(0, 1, &loads, Why::LongTurn), Some(Spread { to: 1, part: 0.5 }));
    assert_eq!(spread(0, 1, &loads, Why::Saturated), None);
    let stuck = [load(0.1), Load { is_stuck: true, ..load(0.0) }];
    assert_eq!(spread(0, 1, &stuck, Why::LongTurn), None);
    assert_eq!(spread(0, 2, &[load(0.1), load(0.8)], Why::LongTurn), None);
    let mut windows = Windows::default();
    assert_eq!(windows.end(0.1, LONG_COMMAND, LONG_COMMAND), Some(Why::LongTurn));
    windows.handed_over(0);
    assert_eq!(windows.end(0.1, LONG_COMMAND, LONG_COMMAND), None, "there was nobody to hand over");
}

#[test]
fn one_window_of_strain_is_no_reason_yet() {
    let mut windows = Windows::default();
    let mut end = |busy, turn| windows.end(busy, turn, Duration::ZERO);
    let short = LONG_TURN / 2;
    assert_eq!([end(1.0, short), end(0.5, short), end(0.5, LONG_TURN), end(0.5, short)], [None; 4]);
    assert_eq!([end(1.0, short), end(1.0, short)], [None, Some(Why::Saturated)]);
    assert_eq!(
        [end(0.5, short), end(0.2, LONG_TURN), end(0.2, LONG_TURN)],
        [None, None, Some(Why::LongTurn)]
    );
}

#[test]
fn long_turns_keep_connections_apart() {
    let mut gathering = Gathering::default();
    let long = Load { had_long_commands: true, ..load(0.1) };
    assert!((0..100).all(|_| gathering.tick(2, &[long, load(0.0)]) == 2));
    assert!((0..10).any(|_| gathering.tick(2, &[load(0.1), load(0.0)]) == 1));
}

#[test]
fn the_least_busy_of_the_active_is_asked_before_another_is_woken() {
    let loads = [load(1.0), load(0.6), load(0.4), load(0.0)];
    let chosen = spread(0, 3, &loads, Why::Saturated).unwrap();
    assert_eq!(chosen.to, 2);
    assert!((chosen.part - 0.3).abs() < 1e-9);
    let loads = [load(1.0), load(0.9), load(0.9), load(0.0)];
    assert_eq!(spread(0, 3, &loads, Why::Saturated).unwrap().to, 3);
    assert_eq!(spread(0, 4, &[load(1.0), load(0.9), load(0.9), load(0.9)], Why::Saturated), None);
}

#[test]
fn bursts_make_gathering_patient() {
    let mut world = World::new(2, &[40; 50], vec![]);
    let mut gathered = 0;
    for burst in 0..40 {
        let demand = if burst % 2 == 0 { 40 } else { 2 };
        world.connections.iter_mut().for_each(|connection| connection.0 = demand);
        world.run(1000);
        gathered += usize::from(burst % 2 == 1 && world.used() == 1);
    }
    assert!(gathered <= 2, "gathered {gathered} times in 40 s");
}

proptest! {
    /// After its first seconds a constant load moves nobody, however it is spread and however its measurement wobbles.
    #[test]
    fn a_constant_load_does_not_oscillate(
        workers in 2_usize..9,
        demands in prop::collection::vec(0_u64..120, 1..60),
        noise in prop::collection::vec(-1.0_f64..1.0, 1..50),
    ) {
        let mut world = World::new(workers, &demands, noise);
        world.run(20_000);
        let (moves, active) = (world.moves, world.active);
        prop_assert!(moves <= 6 * demands.len(), "{moves} moves of {}", demands.len());
        world.run(60_000);
        prop_assert_eq!(world.active, active);
        // Near saturation the wobble alone may make a few worth moving.
        prop_assert!(world.moves - moves <= demands.len() / 4, "{} moves", world.moves - moves);
    }

    /// What little there is, is on one worker within a second.
    #[test]
    fn a_low_load_gathers(workers in 2_usize..9, demands in prop::collection::vec(1_u64..10, 1..50)) {
        let mut world = World::new(workers, &demands, vec![]);
        for (at, connection) in world.connections.iter_mut().enumerate() {
            connection.1 = at % workers;
        }
        world.active = workers;
        world.run(1000);
        prop_assert_eq!(world.used(), 1);
        prop_assert!(world.moves <= demands.len());
    }

    /// Never more than the part, never the heaviest, nobody who cannot.
    #[test]
    fn no_more_than_the_part_goes(
        candidates in prop::collection::vec((0_u64..1000, any::<bool>()), 0..50),
        part in 0.0_f64..1.0,
        most in 0_usize..60,
    ) {
        let candidates: Vec<Candidate> =
            candidates.into_iter().map(|(weight, can_move)| Candidate { weight, can_move }).collect();
        let weight = |at: usize| candidates[at].weight.max(1);
        let chosen = choose(&candidates, part, most);
        let all: u64 = (0..candidates.len()).map(weight).sum();
        let sum: u64 = chosen.iter().map(|&at| weight(at)).sum();
        prop_assert!(chosen.len() <= most && sum as f64 <= all as f64 * part);
        prop_assert!(chosen.iter().all(|&at| candidates[at].can_move));
        prop_assert!(chosen.len() < candidates.len() || candidates.is_empty());
    }
}
