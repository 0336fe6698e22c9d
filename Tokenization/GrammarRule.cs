namespace GumbelGan.Tokenization;

/// <summary>How the terminals of a grammar join to a line of text.</summary>
public enum GrammarJoin
{
    /// <summary>A terminal is a word; words are separated by one space.</summary>
    Words,

    /// <summary>A terminal is a character (Unicode scalar value); nothing stands between.</summary>
    Characters,
}

/// <summary>A terminal or a nonterminal of a grammar.</summary>
/// <param name="IsTerminal">Which of the two.</param>
/// <param name="Index">Into the grammar's terminals or nonterminals.</param>
internal readonly record struct GrammarSymbol(bool IsTerminal, int Index);

/// <summary>One alternative: left side, right side, and the probability of choosing it for this left side.</summary>
internal sealed record GrammarRule(int Left, GrammarSymbol[] Right, double Probability);

/// <summary>A string of a grammar's truncated language.</summary>
/// <param name="Text">The terminals joined.</param>
/// <param name="Probability">Under the truncated, renormalised distribution.</param>
public readonly record struct GrammarString(string Text, double Probability);
