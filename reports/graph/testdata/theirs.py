# Measures an edge list with igraph, and prints the seconds that each measure took and what came out, as one JSON object.
# Arguments: the file, two host numbers a line; then the hosts to search from.

import collections
import json
import sys
import time

import igraph

graph = igraph.Graph.Read_Edgelist(sys.argv[1], directed=False).simplify()
seconds, found = {}, {"hosts": graph.vcount(), "edges": graph.ecount()}


def measure(name, compute):
    begun = time.perf_counter()
    found.update(compute())
    seconds[name] = time.perf_counter() - begun


def components():
    parts = graph.connected_components()
    return {"components": len(parts), "largest": parts.giant().vcount()}


def clustering():
    local = graph.transitivity_local_undirected(mode="zero")
    pairs = sum(c * d * (d - 1) / 2 for c, d in zip(local, graph.degree()))
    return {"clustering": sum(local) / len(local), "triangles": round(pairs / 3)}


def cores():
    return {"core": max(graph.coreness())}


def distances():
    pairs = collections.Counter()
    for source in map(int, sys.argv[2:]):
        pairs.update(graph.distances(source)[0])
    pairs.pop(float("inf"), None)
    return {"pairs": [pairs[d] for d in range(max(pairs) + 1)]}


measure("components", components)
measure("clustering", clustering)
measure("cores", cores)
measure("distances", distances)
print(json.dumps({"version": igraph.__version__, "seconds": seconds, "found": found}))
