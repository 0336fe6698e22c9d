namespace GumbelGan.Tokenization;

/// <summary>The two parsers of a grammar: inside probabilities over all derivations, and a recogniser that is independent of them.</summary>
internal sealed class GrammarChart
{
    private readonly GrammarParts _parts;
    private readonly GrammarRule[][] _rulesOf;
    // Rules A -> terminal, by terminal: most rules of a grammar with a lexicon, and useless beyond single-terminal spans.
    private readonly ILookup<int, GrammarRule> _lexical;
    private readonly GrammarRule[][] _structural;
    private readonly GrammarRule[] _long;

    internal GrammarChart(GrammarParts parts, GrammarRule[][] rulesOf)
    {
        (_parts, _rulesOf) = (parts, rulesOf);
        _lexical = parts.Rules.Where(rule => rule.Right is [{ IsTerminal: true }]).ToLookup(rule => rule.Right[0].Index);
        _structural = [.. rulesOf.Select(rules => rules.Where(rule => rule.Right is not [{ IsTerminal: true }]).ToArray())];
        _long = [.. parts.Rules.Where(rule => rule.Right.Length > 2)];
    }

    /// <summary>The probability that the start symbol derives the terminals, under the grammar without length bounds.</summary>
    internal double Inside(int[] terminals)
    {
        int count = terminals.Length, nonterminals = _parts.Nonterminals.Length;
        // inside[i, j][A]: probability that A derives terminals i to j (exclusive).
        double[,][] inside = new double[count + 1, count + 1][];
        // suffix[rule][k][i, j]: probability that the right side from symbol k on derives them; for 0 < k < last symbol.
        var suffix = _long.ToDictionary(
            rule => rule, rule => rule.Right.Select(_ => new double[count + 1, count + 1]).ToArray(), ReferenceEqualityComparer.Instance as IEqualityComparer<GrammarRule>);

        double Symbol(GrammarSymbol symbol, int i, int j) =>
            symbol.IsTerminal ? (j == i + 1 && terminals[i] == symbol.Index ? 1 : 0) : inside[i, j][symbol.Index];

        double FromSymbol(GrammarRule rule, int k, int i, int j)
        {
            double sum = 0;
            // Every later symbol needs at least one terminal.
            int latest = j - (rule.Right.Length - 1 - k);
            for (int m = i + 1; m <= latest; m++)
            {
                double head = Symbol(rule.Right[k], i, m);
                if (head > 0)
                {
                    sum += head * (k + 1 == rule.Right.Length - 1 ? Symbol(rule.Right[k + 1], m, j) : suffix[rule][k + 1][m, j]);
                }
            }

            return sum;
        }

        for (int length = 1; length <= count; length++)
        {
            for (int i = 0; i + length <= count; i++)
            {
                int j = i + length;
                double[] cell = inside[i, j] = new double[nonterminals];
                if (length == 1)
                {
                    foreach (GrammarRule rule in _lexical[terminals[i]])
                    {
                        cell[rule.Left] += rule.Probability;
                    }
                }

                foreach (int left in _parts.UnitOrder)
                {
                    foreach (GrammarRule rule in _structural[left])
                    {
                        if (rule.Right.Length <= length)
                        {
                            cell[left] += rule.Probability * (rule.Right.Length == 1 ? cell[rule.Right[0].Index] : FromSymbol(rule, 0, i, j));
                        }
                    }
                }

                foreach (GrammarRule rule in _long)
                {
                    for (int k = 1; k < rule.Right.Length - 1; k++)
                    {
                        suffix[rule][k][i, j] = FromSymbol(rule, k, i, j);
                    }
                }
            }
        }

        return inside[0, count][_parts.Start];
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
