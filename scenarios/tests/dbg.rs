//! dbg
use greenroom_sim::run::*; use greenroom_sim::trace::Level;
#[test] fn d() {
    let s = greenroom_scenarios::all().remove(0);
    let mut sp = Spec::seed(0); sp.keeps_events = true;
    let a = run(&s, &sp); sp.tape = Some(a.deviations.clone()); let b = run(&s, &sp);
    for l in ["sched", "wire"] {
    let ta = a.trace.as_ref().unwrap().text(Level::named(l).unwrap(), "t"); let tb = b.trace.as_ref().unwrap().text(Level::named(l).unwrap(), "t");
    let la: Vec<_> = ta.lines().collect(); let lb: Vec<_> = tb.lines().collect();
    let i = (0..).find(|&i| la.get(i) != lb.get(i)).unwrap();
    println!("---- {l} line {i}"); for k in i.saturating_sub(8)..i+4 { println!("A {}", la.get(k).unwrap_or(&"")); } for k in i..i+4 { println!("B {}", lb.get(k).unwrap_or(&"")); } }
    let i = (0..).find(|&i| a.deviations.get(i) != b.deviations.get(i)).unwrap(); println!("{i} {:?} {:?}", a.deviations.get(i), b.deviations.get(i));
}
