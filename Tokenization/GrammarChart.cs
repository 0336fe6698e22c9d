namespace GumbelGan.Tokenization;

/// <summary>The two parsers of a grammar: inside probabilities over all derivations, and a recogniser that is independent of them.</summary>
internal sealed class GrammarChart
{
    private readonly GrammarParts _parts;
    private readonly GrammarRule[][] _rulesOf;
    // Rules A -> terminal, by terminal: most rules of a grammar with a lexicon, and useless beyond single-terminal spans.
    private readonly ILookup<int, GrammarRule> _lexical;
    // The other rules, by left side in the order of GrammarParts.UnitOrder.
    private readonly (int Left, Structure[] Rules)[] _structural;
    private readonly Structure[] _long;
    private readonly int _suffixes;

    internal GrammarChart(GrammarParts parts, GrammarRule[][] rulesOf)
    {
        (_parts, _rulesOf) = (parts, rulesOf);
        _lexical = parts.Rules.Where(rule => rule.Right is [{ IsTerminal: true }]).ToLookup(rule => rule.Right[0].Index);
        int suffixes = 0;
        _structural =
        [
            .. parts.UnitOrder.Select(left => (left, rulesOf[left].Where(rule => rule.Right is not [{ IsTerminal: true }]).Select(rule =>
            {
                var structure = new Structure(rule.Right, rule.Probability, suffixes);
                suffixes += Math.Max(0, rule.Right.Length - 2);
                return structure;
            }).ToArray())),
        ];
        _suffixes = suffixes;
        _long = [.. _structural.SelectMany(group => group.Rules).Where(rule => rule.Right.Length > 2)];
    }

    /// <summary>The probability that the start symbol derives the terminals, under the grammar without length bounds.</summary>
    internal double Inside(int[] terminals)
    {
        int count = terminals.Length, nonterminals = _parts.Nonterminals.Length, side = count + 1;
        // inside[(i side + j) nonterminals + A]: probability that A derives terminals i to j (exclusive).
        double[] inside = new double[side * side * nonterminals];
        // suffix[(s side + i) side + j]: probability that the right side whose suffixes start at s, from its symbol k on, derives them;
        // s counts one for each k behind the first and before the last symbol.
        double[] suffix = new double[_suffixes * side * side];

        double Symbol(GrammarSymbol symbol, int i, int j) =>
            symbol.IsTerminal ? (j == i + 1 && terminals[i] == symbol.Index ? 1 : 0) : inside[(((i * side) + j) * nonterminals) + symbol.Index];

        double Rest(Structure rule, int k, int i, int j) =>
            k == rule.Right.Length - 1 ? Symbol(rule.Right[k], i, j) : suffix[((((rule.FirstSuffix + k - 1) * side) + i) * side) + j];

        double FromSymbol(Structure rule, int k, int i, int j)
        {
            // Every later symbol needs at least one terminal.
            int latest = j - (rule.Right.Length - 1 - k);
            GrammarSymbol head = rule.Right[k];
            if (head.IsTerminal)
            {
                return latest > i && terminals[i] == head.Index ? Rest(rule, k + 1, i + 1, j) : 0;
            }

            double sum = 0;
            for (int m = i + 1; m <= latest; m++)
            {
                double probability = Symbol(head, i, m);
                if (probability > 0)
                {
                    sum += probability * Rest(rule, k + 1, m, j);
                }
            }

            return sum;
        }

        for (int length = 1; length <= count; length++)
        {
            for (int i = 0; i + length <= count; i++)
            {
                int j = i + length;
                Span<double> cell = inside.AsSpan(((i * side) + j) * nonterminals, nonterminals);
                if (length == 1)
                {
                    foreach (GrammarRule rule in _lexical[terminals[i]])
                    {
                        cell[rule.Left] += rule.Probability;
                    }
                }

                foreach ((int left, Structure[] rules) in _structural)
                {
                    foreach (Structure rule in rules)
                    {
                        if (rule.Right.Length <= length)
                        {
                            cell[left] += rule.Probability * (rule.Right.Length == 1 ? cell[rule.Right[0].Index] : FromSymbol(rule, 0, i, j));
                        }
                    }
                }

                foreach (Structure rule in _long)
                {
                    for (int k = 1; k < rule.Right.Length - 1; k++)
                    {
                        suffix[((((rule.FirstSuffix + k - 1) * side) + i) * side) + j] = FromSymbol(rule, k, i, j);
                    }
                }
            }
        }

        return inside[(count * nonterminals) + _parts.Start];
    }

    /// <summary>Whether the start symbol derives the terminals: Earley, "An efficient context-free parsing algorithm" (CACM 1970).</summary>
    internal bool Recognises(int[] terminals)
    {
        var sets = new List<Item>[terminals.Length + 1];
        var seen = new HashSet<Item>[terminals.Length + 1];
        for (int i = 0; i <= terminals.Length; i++)
        {
            (sets[i], seen[i]) = ([], []);
        }

        void Add(int position, Item item)
        {
            if (seen[position].Add(item))
            {
                sets[position].Add(item);
            }
        }

        void Predict(int nonterminal, int position)
        {
            foreach (GrammarRule rule in _rulesOf[nonterminal])
            {
                // A rule that begins with another terminal than the next would die at once.
                if (!rule.Right[0].IsTerminal || (position < terminals.Length && terminals[position] == rule.Right[0].Index))
                {
                    Add(position, new Item(rule, 0, position));
                }
            }
        }

        Predict(_parts.Start, 0);
        for (int position = 0; position <= terminals.Length; position++)
        {
            for (int index = 0; index < sets[position].Count; index++)
            {
                Item item = sets[position][index];
                if (item.Dot == item.Rule.Right.Length)
                {
                    // No symbol derives nothing, so the set at the origin is complete.
                    foreach (Item waiting in sets[item.Origin].Where(
                        other => other.Dot < other.Rule.Right.Length && other.Rule.Right[other.Dot] == new GrammarSymbol(false, item.Rule.Left)))
                    {
                        Add(position, waiting with { Dot = waiting.Dot + 1 });
                    }
                }
                else if (item.Rule.Right[item.Dot] is { IsTerminal: false } next)
                {
                    Predict(next.Index, position);
                }
                else if (position < terminals.Length && terminals[position] == item.Rule.Right[item.Dot].Index)
                {
                    Add(position + 1, item with { Dot = item.Dot + 1 });
                }
            }
        }

        return sets[terminals.Length].Any(item => item.Rule.Left == _parts.Start && item.Origin == 0 && item.Dot == item.Rule.Right.Length);
    }

    /// <summary>A rule with the index of its first suffix in a chart.</summary>
    private sealed record Structure(GrammarSymbol[] Right, double Probability, int FirstSuffix);

    private readonly struct Item(GrammarRule rule, int dot, int origin) : IEquatable<Item>
    {
        internal GrammarRule Rule { get; } = rule;

        internal int Dot { get; init; } = dot;

        internal int Origin { get; } = origin;

        public bool Equals(Item other) => ReferenceEquals(Rule, other.Rule) && Dot == other.Dot && Origin == other.Origin;

        public override bool Equals(object? obj) => obj is Item other && Equals(other);

        public override int GetHashCode() => HashCode.Combine(System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(Rule), Dot, Origin);
    }
}
