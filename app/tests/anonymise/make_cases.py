#!/usr/bin/env python3
"""Small cases for `musubi anonymise --cases`, with the optimum that trying every combination of levels finds.

Written apart from the engine, from the definitions, with nothing but the standard library. Fictitious people; all follows
from a seed. usage: make_cases.py FOLDER"""
import itertools, json, math, os, random, sys
from collections import Counter, defaultdict

ROWS = 300
REGION = {"千葉県柏市": "千葉県", "千葉県松戸市": "千葉県", "東京都港区": "東京都", "東京都北区": "東京都", "大阪府堺市": "大阪府",
          "大阪府豊中市": "大阪府"}
EAST = {"千葉県": "東", "東京都": "東", "大阪府": "西"}
DIAGNOSES = {"E11": "IV", "E78": "IV", "I10": "IX", "I21": "IX", "C34": "II", "C50": "II"}


def decade(age): return f"{age // 10 * 10}-{age // 10 * 10 + 9}"
def thirty_years(age): return f"{age // 30 * 30}-{age // 30 * 30 + 29}"


HIERARCHIES = {
    "age": [[str(a), f"{a // 5 * 5}-{a // 5 * 5 + 4}", decade(a), thirty_years(a), "*"] for a in range(20, 80)],
    "sex": [[s, "*"] for s in ("男", "女")],
    "place": [[m, p, EAST[p], "*"] for m, p in REGION.items()],
    "diagnosis": [[d, c, "*"] for d, c in DIAGNOSES.items()],
}


def table(seed):
    r = random.Random(seed)
    rows = []
    for _ in range(ROWS):
        age = min(79, max(20, int(r.gauss(48, 15))))
        place = r.choices(list(REGION), [30, 12, 20, 6, 9, 3])[0]
        weights = [8, 6, 20 if age > 40 else 2, 3 if age > 50 else 1, 2, 3]
        rows.append({"age": str(age), "sex": r.choice("男女"), "place": place,
                     "diagnosis": r.choices(list(DIAGNOSES), weights)[0]})
    return rows


class Case:
    def __init__(self, rows, attributes, sensitive, models, limit, metric, population=()):
        self.population = population
        self.rows, self.attributes, self.sensitive = rows, attributes, sensitive
        self.models, self.limit, self.metric = models, limit, metric
        self.map = {a: [{h[0]: h[l] for h in HIERARCHIES[a]} for l in range(len(HIERARCHIES[a][0]))] for a in attributes}
        self.width = {a: [Counter(m.values()) for m in self.map[a]] for a in attributes}

    def holds(self, key, levels, members):
        people = sum(self.key(r, levels) == key for r in self.population)
        values = Counter(r[self.sensitive] for r in members) if self.sensitive else None
        return all(self.model(m, members, values, people) for m in self.models)

    def model(self, m, members, values, people):
        n = len(members)
        if m["model"] == "k-anonymity":
            return n >= m["k"]
        if m["model"] == "presence":
            return m["least"] <= n / people <= m["most"]
        if m["model"] == "journalist risk":
            return 1 / people <= m["most"] + 1e-12
        if m["model"] == "average risk":
            return True
        if m["model"].startswith("distinct"):
            return len(values) >= m["l"]
        if m["model"].startswith("entropy"):
            return -sum(c / n * math.log(c / n) for c in values.values()) + 1e-12 >= math.log(m["l"])
        if m["model"].startswith("recursive"):
            f = sorted(values.values(), reverse=True)
            return f[0] < m["c"] * sum(f[m["l"] - 1:])
        whole = Counter(r[self.sensitive] for r in self.rows)
        p = {v: values[v] / n - whole[v] / len(self.rows) for v in DIAGNOSES}
        if m["model"] == "t-closeness (equal distance)":
            return sum(abs(x) for x in p.values()) / 2 <= m["t"] + 1e-12
        if m["model"] == "t-closeness (ordered distance)":
            run = list(itertools.accumulate(p.values()))
            return sum(abs(x) for x in run) / (len(run) - 1) <= m["t"] + 1e-12
        chapters = defaultdict(list)
        for v, x in p.items():
            chapters[DIAGNOSES[v]].append(x)
        def moved(xs): return min(sum(x for x in xs if x > 0), -sum(x for x in xs if x < 0))
        cost = sum(moved(xs) for xs in chapters.values()) / 2 + moved([sum(xs) for xs in chapters.values()])
        return cost <= m["t"] + 1e-12

    def key(self, row, levels):
        return tuple(self.map[a][l][row[a]] for a, l in zip(self.attributes, levels))

    def node(self, levels):
        classes = defaultdict(list)
        for r in self.rows:
            classes[self.key(r, levels)].append(r)
        held = {k: self.holds(k, levels, c) for k, c in classes.items()}
        kept = {k: c for k, c in classes.items() if held[k]}
        # The smallest first; among equals in the order of the hierarchies' lines.
        place = [list(dict.fromkeys(self.map[a][l].values())) for a, l in zip(self.attributes, levels)]
        smallest = sorted(kept, key=lambda k: (len(kept[k]), [p.index(v) for p, v in zip(place, k)]))
        for m in self.models:
            if m["model"] == "average risk":
                while len(kept) > m["most"] * sum(map(len, kept.values())) + 1e-9:
                    del kept[smallest.pop(0)]
        gone = [r for k, c in classes.items() if k not in kept for r in c]
        return list(kept.values()), gone

    def score(self, levels, kept, gone):
        n, s = len(self.rows), len(gone)
        if self.metric.startswith("discernibility"):
            return sum(len(c) ** 2 for c in kept) + n * s
        if self.metric.startswith("precision"):
            cells = sum(l / (len(HIERARCHIES[a][0]) - 1) for a, l in zip(self.attributes, levels)) * (n - s)
            return (cells + s * len(self.attributes)) / (n * len(self.attributes))
        if self.metric.startswith("KL"):
            of = Counter(self.key(r, [0] * len(levels)) for r in self.rows)
            everything = math.prod(len(HIERARCHIES[a]) for a in self.attributes)
            bits = sum(math.log2(of[self.key(r, [0] * len(levels))] / (s / everything)) for r in gone)
            for c in kept:
                cells = math.prod(self.width[a][l][self.map[a][l][c[0][a]]] for a, l in zip(self.attributes, levels))
                bits += sum(math.log2(of[self.key(r, [0] * len(levels))] / (len(c) / cells)) for r in c)
            return max(bits / n, 0.0)
        if self.metric.startswith("average"):
            return n / (len(kept) + (s > 0))
        stay = [r for c in kept for r in c]
        if self.metric.startswith("Loss"):
            product = 1.0
            for a, l in zip(self.attributes, levels):
                leaves = len(HIERARCHIES[a])
                x = sum(self.width[a][l][self.map[a][l][r[a]]] / leaves for r in stay) + s
                product *= (1 + (x - n / leaves) / (n - n / leaves)) ** (1 / len(self.attributes))
            return product - 1
        bits = 0.0
        for a, l in zip(self.attributes, levels):
            own = Counter(r[a] for r in self.rows)
            alike = Counter(self.map[a][l][r[a]] for r in self.rows)
            bits -= sum(c * math.log2(c / alike[self.map[a][l][v]]) for v, c in own.items())
            bits -= sum(c * math.log2(c / s) for c in Counter(self.map[a][l][r[a]] for r in gone).values())
        return bits

    def best(self):
        found = None
        for levels in itertools.product(*(range(len(HIERARCHIES[a][0])) for a in self.attributes)):
            kept, gone = self.node(levels)
            if len(gone) > math.floor(self.limit * len(self.rows)):
                continue
            score = self.score(levels, kept, gone)
            if found is None or score < found[0]:
                found = (score, levels, len(gone), len(kept))
        return found


LOSS, NUE = "Loss, geometric mean, gs-factor 0.5", "non-uniform entropy (non-monotone), sum, gs-factor 0.5"
DM, AECS = "discernibility (non-monotone)", "average equivalence class size, gs-factor 0.5"
HIERARCHICAL = "t-closeness (hierarchical distance, the attribute's own hierarchy)"


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for name, rows in HIERARCHIES.items():
        with open(f"{folder}/hierarchy_{name}.csv", "w") as f:
            f.writelines(";".join(row) + "\n" for row in rows)
    rows = table(2026)
    with open(f"{folder}/people.csv", "w") as f:
        f.write(";".join(rows[0]) + "\n")
        f.writelines(";".join(r.values()) + "\n" for r in rows)
    k = lambda k: {"model": "k-anonymity", "k": k}
    on = lambda model, **more: {"model": model, "attribute": "diagnosis", **more}
    all_four, three = ["age", "sex", "place", "diagnosis"], ["age", "sex", "place"]
    asked = [(all_four, None, [k(n)], limit, metric)
             for n in (2, 5) for limit in (0.0, 0.03, 1.0) for metric in (LOSS, NUE, DM, AECS)]
    for limit in (0.0, 0.05):
        for metric in (LOSS, NUE):
            for more in (on("distinct-l-diversity", l=3), on("entropy-l-diversity (Shannon)", l=2),
                         on("recursive-(c,l)-diversity", c=3.0, l=2), on("t-closeness (equal distance)", t=0.3),
                         on(HIERARCHICAL, t=0.25)):
                asked.append((three, "diagnosis", [k(3), more], limit, metric))
    for metric in ("precision", "KL"):
        asked += [(three, None, [k(n)], limit, metric) for n in (3, 10) for limit in (0.0, 0.05)]
    # Everybody who could be in the table: its own people, and as many again.
    people = rows + table(2027)
    with open(f"{folder}/population.csv", "w") as f:
        f.write(";".join(people[0]) + "\n")
        f.writelines(";".join(r.values()) + "\n" for r in people)
    for metric in (LOSS, DM):
        for limit in (0.0, 0.1):
            asked += [(three, "diagnosis", [k(2), on("t-closeness (ordered distance)", t=0.2)], limit, metric),
                      (three, None, [k(2), {"model": "presence", "least": 0.1, "most": 0.8}], limit, metric),
                      (three, None, [{"model": "journalist risk", "most": 0.125}], limit, metric),
                      (three, None, [k(2), {"model": "average risk", "most": 0.1}], limit, metric)]
    cases = []
    for number, (attributes, sensitive, models, limit, metric) in enumerate(asked):
        against = any(m["model"] in ("presence", "journalist risk") for m in models)
        best = Case(rows, attributes, sensitive, models, limit, metric, people if against else ()).best()
        if best is None:
            continue
        score, levels, gone, kept = best
        cases.append({
            "id": f"small-{number:02}", "dataset": "people", "csv": "people.csv", "hierarchy": "hierarchy_{attr}.csv",
            "rows": ROWS, "quasi_identifiers": attributes, "sensitive": sensitive, "privacy_models": models,
            "suppression_limit": limit, "metric": metric, **({"population": "population.csv"} if against else {}),
            "expected": {"levels": dict(zip(attributes, levels)), "suppressed_rows": gone, "classes": kept, "score": score},
        })
    with open(f"{folder}/cases.json", "w") as f:
        f.write('{"cases": [\n' + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]}\n")


main(sys.argv[1])
