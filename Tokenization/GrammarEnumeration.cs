using System.Runtime.InteropServices;
using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>
/// All strings of a grammar within its length bounds, by dynamic programming over sets of strings. Each is held as a .NET string, a char a terminal.
/// </summary>
internal sealed class GrammarEnumeration(GrammarParts parts, GrammarRule[][] rulesOf, int limit)
{
    private readonly Dictionary<string, double>[,] _strings = new Dictionary<string, double>[parts.Nonterminals.Length, parts.Maximum + 1];
    private int _held;

    internal IEnumerable<KeyValuePair<string, double>> Strings()
    {
        if (parts.Terminals.Length > char.MaxValue)
        {
            throw TooMany();
        }

        for (int length = 1; length <= parts.Maximum; length++)
        {
            foreach (int left in parts.UnitOrder)
            {
                var strings = new Dictionary<string, double>(StringComparer.Ordinal);
                foreach (GrammarRule rule in rulesOf[left])
                {
                    Extend(rule, 0, "", rule.Probability, length, strings);
                }

                _strings[left, length] = strings;
            }
        }

        return Enumerable.Range(parts.Minimum, parts.Maximum - parts.Minimum + 1)
            .SelectMany(length => _strings[parts.Start, length].OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    private void Extend(GrammarRule rule, int k, string prefix, double probability, int remaining, Dictionary<string, double> strings)
    {
        int later = rule.Right.Length - 1 - k;
        if (later < 0)
        {
            ref double sum = ref CollectionsMarshal.GetValueRefOrAddDefault(strings, prefix, out bool exists);
            sum += probability;
            if (!exists && ++_held > limit)
            {
                throw TooMany();
            }

            return;
        }

        GrammarSymbol symbol = rule.Right[k];
        if (symbol.IsTerminal)
        {
            if (remaining > later && (later > 0 || remaining == 1))
            {
                Extend(rule, k + 1, prefix + (char)symbol.Index, probability, remaining - 1, strings);
            }

            return;
        }

        for (int own = later == 0 ? remaining : 1; own <= remaining - later; own++)
        {
            foreach ((string text, double p) in _strings[symbol.Index, own])
            {
                Extend(rule, k + 1, prefix + text, probability * p, remaining - own, strings);
            }
        }
    }

    private UserMistakeException TooMany() =>
        new($"{parts.Name} has too many strings of up to {parts.Maximum} terminals to enumerate (more than {limit}); lower %maximum.");
}
