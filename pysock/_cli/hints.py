"""What a profile says would help: only where the figures say so."""

MANY = 1000  # calls; of less nobody would notice a difference
LARGE = 65536  # bytes
MAX_HINTS = 5


def count(number):
    return f"{number:,}"


def size(nbytes):
    """Return *nbytes* in at most four digits and a unit."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if nbytes < 9999.5 or unit == "GiB":
            break
        nbytes /= 1024
    return f"{nbytes:,.0f} {unit}"


def one_unit(nbytes):
    """Return *nbytes*, which a program has asked for, as it would write it."""
    for unit, of in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if nbytes >= of:
            return f"{nbytes / of:.0f} {unit}"
    return f"{nbytes:.0f} B"


def small_receives(site):
    """Most of them got all that they had asked for: what came after it was perhaps there, too."""
    if site["call"] in ("recv", "recv_into", "recv_exactly"):
        often = site["small"] >= MANY and site["filled"] * 2 > site["calls"]
        if often and site["small"] * 2 > site["calls"]:
            yield (
                f"{count(site['small'])} {site['call']} of 1 to 64 bytes at {{place}}: a Stream "
                "receives many at once"
            )


def small_sends(site):
    if site["call"] in ("send", "sendall") and site["small"] >= MANY:
        if site["small"] * 2 > site["calls"] and site["in_row"] * 2 > site["calls"]:
            yield (
                f"{count(site['small'])} {site['call']} of 1 to 64 bytes, one after the other, at "
                "{place}: join them, or use sendmsg or a Stream"
            )


def datagrams_one_by_one(site):
    if site["call"] == "sendto" and site["in_row"] >= MANY and site["to_peer"] >= MANY:
        if site["in_row"] * 2 > site["calls"] and site["to_peer"] * 2 > site["calls"]:
            yield (
                f"{count(site['calls'])} sendto to one peer, one by one, at {{place}}: sendmmsg "
                "sends many at once"
            )
    if site["call"] in ("recvfrom", "recvfrom_into") and site["in_row"] >= MANY:
        if site["in_row"] * 2 > site["calls"] and site["waits"] * 10 < site["calls"]:
            yield (
                f"{count(site['calls'])} {site['call']}, most of them without a wait, at "
                "{place}: recvmmsg receives many at once"
            )


def asked_for_much(site):
    moved = site["calls"] - site["would_blocks"] - site["timeouts"] - site["errors"]
    if site["call"] in ("recv", "recvfrom") and moved >= MANY:
        asked, got = site["asked"] / moved, site["bytes"] / moved
        if asked >= LARGE and got * 100 < asked:
            yield (
                f"{one_unit(asked)} asked for, {one_unit(got)} got, {count(moved)} times at "
                "{place}: `socket` allocates what is asked for; ask for less there"
            )


def in_vain(site):
    if site["would_blocks"] >= MANY and site["would_blocks"] * 2 > site["calls"]:
        yield (
            f"{count(site['would_blocks'])} of {count(site['calls'])} {site['call']} at {{place}} "
            "would have blocked: wait with a selector before"
        )


def of_connections(calls):
    """A connection for each request costs more than the request."""
    connects = sum(calls[name]["calls"] for name in ("connect", "connect_ex") if name in calls)
    sends = sum(calls[name]["calls"] for name in ("send", "sendall", "sendmsg") if name in calls)
    if connects >= MANY // 10 and sends <= 2 * connects:
        yield f"{count(connects)} connections for {count(sends)} sends: keep connections open"


def of_share(share):
    if share is not None and share < 0.1:
        yield f"sockets are {share:.0%} of the CPU: no socket library will help"


OF_SITES = (small_receives, small_sends, datagrams_one_by_one, asked_for_much, in_vain)


def hints(sites, calls, share, place):
    """Return the hints as texts. *place* gives the name of a site."""
    if any(of_share(share)):
        return list(of_share(share))  # whatever else is true of the calls would not be noticed
    found = [
        (site["calls"], text.format(place=place(site)))
        for site in sites
        for of_site in OF_SITES
        for text in of_site(site)
    ]
    found.sort(key=lambda pair: -pair[0])
    return [text for _, text in found[:MAX_HINTS]] + list(of_connections(calls))
