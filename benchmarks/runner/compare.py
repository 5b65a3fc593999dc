# SPDX-License-Identifier: Apache-2.0
"""The jobs of the table and the single calls: ours, baselines and peers in turns, as rows."""

import statistics

import command
import jobs
import rounds
import sides
from peers import PEERS
from tables import Row, size_text, time_text


def ready_peers(wanted_jobs):
    """The peers of these jobs that are installed and can be built; says which are not."""
    kinds = {job.peer_job for job in wanted_jobs}
    ready = []
    for peer in PEERS:
        if not kinds & set(peer.jobs):
            continue
        trouble = peer.missing()
        if not trouble:
            try:
                peer.build()
            except RuntimeError as failure:
                trouble = f"it cannot be built: {failure}".replace("\n", " ")
        if trouble:
            rounds.say(f"missing peer: {peer.name}: {trouble}")
        else:
            ready.append(peer)
    return ready


def peer_side(peer, kind, size, path):
    return rounds.Side(peer.name, lambda size: peer.seconds(kind, size, path),
                       min(size, peer.largest.get(kind, size)), may_be_slow=True, may_fail=True)


def own_side(side, size, path, may_be_slow=False):
    if side in command.SIDES:
        return rounds.Side(side, lambda _: command.SIDES[side](path), size, may_be_slow)
    return rounds.Side(side, lambda size: sides.scenario(side, size), size, may_be_slow)


def groups(wanted_jobs):
    """Lists of jobs that share their rounds."""
    found = {}
    for job in wanted_jobs:
        found.setdefault(job.group or job.name, []).append(job)
    return list(found.values())


def run_group(group, peers, quick, path=None):
    """Returns the sides by name; those of peers that failed are not among them."""
    wanted = {}
    for job in group:
        size = job.size_for(quick)
        wanted.setdefault(job.ours_side, own_side(job.ours_side, size, path))
        for against in job.against:
            wanted.setdefault(against.side, own_side(against.side, size, path,
                                                     may_be_slow=not against.at_most))
        for peer in peers:
            if job.peer_job in peer.jobs:
                wanted.setdefault(peer.name, peer_side(peer, job.peer_job, size, path))
    rounds_wanted = jobs.QUICK_ROUNDS if quick else max(job.rounds for job in group)
    left = rounds.take_turns(wanted.values(), rounds_wanted, quick)
    return {side.name: side for side in left}


def run_command(job, peers, quick):
    """As `run_group`, with the file that all sides read."""
    size = job.size_for(quick)
    if not command.has_room(2 * size, job.what):
        return {}
    with command.big_file(size) as path:
        return run_group([job], peers, quick, path)


def rows_of_job(job, peers, done):
    """The rows of one job whose sides have been run."""
    ours = done[job.ours_side]
    text = time_text(ours.median)
    for against in job.against:
        yield Row(job.name, job.what, text, against.name,
                  rounds.ratio(ours, done[against.side]), against.at_most)
    able = [peer for peer in peers if job.peer_job in peer.jobs and peer.name in done]
    ratios = {peer.name: rounds.ratio(ours, done[peer.name]) for peer in able}
    if job.best_peer_at_most:
        # What gives bytes to the disk at all is what keeps within a limit of memory.
        fit = [peer.name for peer in able
               if not job.best_must_spill or "ingest_spilled" in peer.jobs]
        best = max(fit, key=ratios.get, default=None)
        if best:
            yield Row(job.name, job.what, text, f"best peer: {best}", ratios[best],
                      job.best_peer_at_most)
        else:
            rounds.say(f"not measured: {job.what}: no peer is there to compare with")
    for name, ratio in sorted(ratios.items(), key=lambda item: -item[1]):
        size = done[name].size
        smaller = f" (on {size_text(size)}, for each byte)" if size < ours.size else ""
        yield Row(job.name, job.what, text, name + smaller, ratio, is_peer=True)


def record(figures, job, done):
    """Keeps the medians for the plots: by side, for each byte where the job is one of bytes."""
    figures[job.name] = {"size": done[job.ours_side].size, "sides": {
        ("ours" if name == job.ours_side else name): {"cost": side.median, "size": side.size}
        for name, side in done.items()}}


def rows_of_jobs(wanted, quick, figures):
    wanted_jobs = [job for job in jobs.JOBS if not wanted or job.name in wanted]
    peers = ready_peers(wanted_jobs)
    for group in groups(wanted_jobs):
        done = (run_command(group[0], peers, quick) if group[0].name == "command" else
                run_group(group, peers, quick))
        for job in group if done else ():
            record(figures, job, done)
            yield from rows_of_job(job, peers, done)


def rows_of_micro(quick, figures):
    # Many short ones: a shared processor is fast for a while and slow for a while.
    repetitions = 5 * (jobs.QUICK_ROUNDS if quick else jobs.ROUNDS)
    seconds = 0.01 if quick else 0.04
    times = sides.micro("^(ours|baseline)_(read_at|spilled|view)", repetitions, seconds)
    for pair in jobs.MICRO_PAIRS:
        ratio = statistics.median(
            a / b for a, b in zip(times[pair.ours], times[pair.baseline]))
        yield Row("micro", pair.what, time_text(statistics.median(times[pair.ours]) * 1e-9),
                  pair.name, ratio, pair.at_most)
    for name, at_most in jobs.ALIGNMENTS:
        ratios, times = {}, {}
        # (An iteration makes 32 reads and is told as the time of one.) 4 ms each.
        for key, runs in sides.micro_runs(f"^ours_aligned/{name}/", repetitions,
                                          seconds / 10 / 32).items():
            at = int(key.split("/")[2])
            ratios[at] = statistics.median(run["real_time"] / run["at_0"] for run in runs)
            times[at] = statistics.median(run["real_time"] for run in runs)
        figures.setdefault("alignments", {})[name] = [ratios[at] for at in sorted(ratios)]
        worst = max(ratios, key=ratios.get)
        yield Row("micro",
                  f"`read_at`, {name.replace('_', ', ')}: worst of 64 alignments (+{worst})",
                  time_text(times[worst] * 1e-9), "the same at +0", ratios[worst], at_most)
