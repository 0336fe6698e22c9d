using System.Text;
using GumbelGan.Randomness;
using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>
/// A probabilistic context-free grammar, restricted to strings of a minimum to a maximum number of terminals and renormalised over these: a corpus
/// whose distribution is known exactly. A tilt multiplies the probability of a string by a factor per terminal. The text format is documented in
/// corpora/README.md.
/// </summary>
/// <remarks>
/// w(A, n) is the total probability of the derivation trees of A that yield n terminals, and S the start symbol. A string has length n with
/// probability w(S, n) tilt^n, divided by the sum of this over the allowed n. Sampling draws this length first, then top down each rule and the
/// lengths of its parts, in proportion to w: no sample is ever rejected.
/// </remarks>
public sealed class Grammar
{
    private const int MaximumBytes = 4 << 20;

    private readonly GrammarParts _parts;
    private readonly GrammarChart _chart;
    private readonly GrammarRule[][] _rulesOf;
    private readonly Dictionary<string, int> _terminalIds;
    // [A][n]: w(A, n).
    private readonly double[][] _weights;
    // [rule][k][n]: probability that the right side from symbol k on yields exactly n terminals.
    private readonly Dictionary<GrammarRule, double[][]> _suffixes = new(ReferenceEqualityComparer.Instance);
    // The sum of w(S, n) tilt^n over the allowed lengths n.
    private readonly double _total;

    private Grammar(GrammarParts parts)
    {
        _parts = parts;
        ILookup<int, GrammarRule> rules = parts.Rules.ToLookup(rule => rule.Left);
        _rulesOf = [.. Enumerable.Range(0, parts.Nonterminals.Length).Select(left => rules[left].ToArray())];
        _terminalIds = Terminals.Select((terminal, id) => (terminal, id))
            .ToDictionary(pair => pair.terminal, pair => pair.id, StringComparer.Ordinal);
        _weights = [.. parts.Nonterminals.Select(_ => new double[parts.Maximum + 1])];
        foreach (GrammarRule rule in parts.Rules)
        {
            _suffixes[rule] = [.. rule.Right.Select(_ => new double[parts.Maximum + 1])];
        }

        ComputeWeights();
        for (int length = parts.Minimum; length <= parts.Maximum; length++)
        {
            _total += _weights[parts.Start][length] * Tilt(length);
        }

        if (!double.IsFinite(_total))
        {
            throw new UserMistakeException(
                $"{parts.Name} tilts strings of up to {parts.Maximum} terminals beyond what numbers can hold; bring %tilt nearer to 1.");
        }

        if (!(_total > 0))
        {
            throw new UserMistakeException(
                $"{parts.Name} derives no string of {parts.Minimum} to {parts.Maximum} terminals; change %minimum or %maximum.");
        }

        _chart = new GrammarChart(parts, _rulesOf);
    }

    /// <summary>How terminals join to text.</summary>
    public GrammarJoin Join => _parts.Join;

    /// <summary>The fewest terminals of a string.</summary>
    public int MinimumLength => _parts.Minimum;

    /// <summary>The most terminals of a string.</summary>
    public int MaximumLength => _parts.Maximum;

    /// <summary>The distinct terminals, in the order of the file.</summary>
    public IReadOnlyList<string> Terminals => _parts.Terminals;

    /// <summary>Reads a grammar file.</summary>
    /// <exception cref="UserMistakeException">
    /// The file is missing or malformed, or derives no string within its bounds; names line and column.
    /// </exception>
    public static Grammar Load(string path)
    {
        byte[] content = BoundedFile.Read(path, MaximumBytes);
        try
        {
            return Parse(StrictUtf8.Encoding.GetString(content).TrimStart('\uFEFF'), path);
        }
        catch (DecoderFallbackException exception)
        {
            int line = content.AsSpan(0, exception.Index).Count((byte)'\n') + 1;
            throw new UserMistakeException(
                $"{path}, line {line}: byte {exception.Index} of the file is not valid UTF-8; save the grammar as UTF-8.", exception);
        }
    }

    /// <summary>The grammar that <paramref name="text"/> describes; <paramref name="name"/> is named in error messages.</summary>
    /// <exception cref="UserMistakeException">The text is malformed, or derives no string within its bounds.</exception>
    public static Grammar Parse(string text, string name) => new(GrammarParser.Parse(text, name));

    /// <summary>Draws a string from the truncated distribution.</summary>
    public string Sample(RandomStream random)
    {
        int length = Choose(random, _parts.Minimum, _parts.Maximum, n => _weights[_parts.Start][n] * Tilt(n));
        var terminals = new List<int>(length);
        Derive(_parts.Start, length, random, terminals);
        return TextOf(terminals);
    }

    /// <summary>
    /// The log-probability of <paramref name="text"/> under the truncated distribution, in nats, summed over all derivations (inside algorithm,
    /// Lari and Young 1990); negative infinity where the grammar does not derive it within its bounds.
    /// </summary>
    public double LogProbability(string text)
    {
        if (TerminalsOf(text) is not { } terminals || terminals.Length < MinimumLength || terminals.Length > MaximumLength)
        {
            return double.NegativeInfinity;
        }

        return Math.Log(_chart.Inside(terminals) * Tilt(terminals.Length) / _total);
    }

    /// <summary>Every string of the truncated language with its probability, ordered by length, then ordinally.</summary>
    /// <param name="limit">The most strings to hold in memory, those of every nonterminal and length together.</param>
    /// <exception cref="UserMistakeException">The language needs more than <paramref name="limit"/> strings.</exception>
    public IReadOnlyList<GrammarString> Enumerate(int limit = 2_000_000) =>
    [
        .. new GrammarEnumeration(_parts, _rulesOf, limit).Strings()
            .Select(pair => new GrammarString(TextOf([.. pair.Key.Select(c => (int)c)]), pair.Value * Tilt(pair.Key.Length) / _total)),
    ];

    /// <summary>The terminals of <paramref name="text"/>, or null where a part of it is not a terminal.</summary>
    private int[]? TerminalsOf(string text)
    {
        var terminals = new List<int>();
        // Two spaces, or one at an end, are no words joined by one: the piece between them is no terminal.
        IEnumerable<string> pieces = Join == GrammarJoin.Words
            ? text.Length == 0 ? [] : text.Split(' ')
            : text.EnumerateRunes().Select(rune => rune.ToString());
        foreach (string piece in pieces)
        {
            if (!_terminalIds.TryGetValue(piece, out int id))
            {
                return null;
            }

            terminals.Add(id);
        }

        return [.. terminals];
    }

    private string TextOf(IEnumerable<int> terminals) =>
        string.Join(Join == GrammarJoin.Words ? " " : "", terminals.Select(terminal => Terminals[terminal]));

    private double Tilt(int length) => Math.Pow(_parts.Tilt, length);

    private double WeightOf(GrammarSymbol symbol, int length) => symbol.IsTerminal ? (length == 1 ? 1 : 0) : _weights[symbol.Index][length];

    private void ComputeWeights()
    {
        for (int length = 1; length <= _parts.Maximum; length++)
        {
            // A right side of two or more symbols needs the weights of shorter strings only; that of one symbol needs those of this length, so the
            // order matters.
            foreach (int left in _parts.UnitOrder)
            {
                foreach (GrammarRule rule in _rulesOf[left])
                {
                    double[][] suffixes = _suffixes[rule];
                    suffixes[0][length] = SuffixWeight(rule, suffixes, 0, length);
                    _weights[left][length] += rule.Probability * suffixes[0][length];
                }
            }

            foreach ((GrammarRule rule, double[][] suffixes) in _suffixes)
            {
                for (int k = rule.Right.Length - 1; k > 0; k--)
                {
                    suffixes[k][length] = SuffixWeight(rule, suffixes, k, length);
                }
            }
        }
    }

    private double SuffixWeight(GrammarRule rule, double[][] suffixes, int k, int length)
    {
        if (k == rule.Right.Length - 1)
        {
            return WeightOf(rule.Right[k], length);
        }

        double sum = 0;
        for (int first = 1; first < length; first++)
        {
            sum += WeightOf(rule.Right[k], first) * suffixes[k + 1][length - first];
        }

        return sum;
    }

    private void Derive(int left, int length, RandomStream random, List<int> terminals)
    {
        GrammarRule[] rules = _rulesOf[left];
        GrammarRule rule = rules[Choose(random, 0, rules.Length - 1, r => rules[r].Probability * _suffixes[rules[r]][0][length])];
        double[][] suffixes = _suffixes[rule];
        int remaining = length;
        for (int k = 0; k < rule.Right.Length; k++)
        {
            GrammarSymbol symbol = rule.Right[k];
            int rest = remaining;
            int own = k == rule.Right.Length - 1 ? remaining
                : symbol.IsTerminal ? 1
                : Choose(random, 1, remaining - 1, n => _weights[symbol.Index][n] * suffixes[k + 1][rest - n]);
            if (symbol.IsTerminal)
            {
                terminals.Add(symbol.Index);
            }
            else
            {
                Derive(symbol.Index, own, random, terminals);
            }

            remaining -= own;
        }
    }

    /// <summary>An index from first to last with probability in proportion to its weight; nothing is drawn where there is no choice.</summary>
    private static int Choose(RandomStream random, int first, int last, Func<int, double> weight)
    {
        double total = 0;
        int only = -1, positive = 0;
        for (int i = first; i <= last; i++)
        {
            double w = weight(i);
            total += w;
            if (w > 0)
            {
                (only, positive) = (i, positive + 1);
            }
        }

        if (positive == 1)
        {
            return only;
        }

        double point = random.NextDouble() * total;
        for (int i = first; i <= last; i++)
        {
            point -= weight(i);
            if (point < 0)
            {
                return i;
            }
        }

        // Rounding may leave the point at or above zero; then it is the last index that has any weight.
        return only;
    }
}
