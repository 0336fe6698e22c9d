namespace GumbelGan.Tokenization;

/// <summary>The inside algorithm (Lari and Young 1990): the probability of a string, summed over its derivations, by a chart of its spans.</summary>
internal sealed class GrammarChart
{
    private readonly GrammarParts _parts;
    // Rules A -> terminal, by terminal. In a grammar with a lexicon these are most of the rules, and only spans of one terminal need them.
    private readonly ILookup<int, GrammarRule> _lexical;
    // The other rules, by left side in the order of GrammarParts.UnitOrder; and those of them with more than two symbols on the right.
    private readonly (int Left, Structure[] Rules)[] _structural;
    private readonly Structure[] _long;
    private readonly int _suffixes;

    internal GrammarChart(GrammarParts parts, GrammarRule[][] rulesOf)
    {
        _parts = parts;
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
        // suffix[(s side + i) side + j]: probability that a right side, from its symbol k on, derives them. The suffixes of a rule are numbered
        // s = FirstSuffix + k - 1 for each k between its first and its last symbol.
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

    /// <summary>A rule with the index of its first suffix in a chart.</summary>
    private sealed record Structure(GrammarSymbol[] Right, double Probability, int FirstSuffix);
}
