using System.Globalization;
using System.Text;
using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

// Long because each error of the format is thrown where it is found.
/// <summary>Reads the text format of grammars that corpora/README.md documents; every error names line and column.</summary>
internal sealed class GrammarParser
{
    private const int LongestString = 1000;
    private const long MostSteps = 200_000_000;

    private readonly string _name;
    private readonly List<Token> _tokens = [];
    private readonly Dictionary<string, int> _nonterminals = new(StringComparer.Ordinal);
    private readonly List<Token> _leftSides = [];
    private readonly Dictionary<string, int> _terminals = new(StringComparer.Ordinal);
    private readonly List<(int Left, List<Token> Right, double Weight, Token At)> _alternatives = [];
    private readonly Dictionary<string, Token> _directives = new(StringComparer.Ordinal);
    private int _next;

    private GrammarParser(string text, string name)
    {
        _name = name;
        Scan(text);
    }

    private enum TokenKind
    {
        Name,
        Terminal,
        Arrow,
        Bar,
        Weight,
        Directive,
        End,
    }

    private readonly record struct Token(TokenKind Kind, string Text, int Line, int Column);

    /// <summary>
    /// The parts of a grammar, checked: every nonterminal is defined, used and derives strings, and none derives itself through single symbols.
    /// </summary>
    /// <exception cref="UserMistakeException">The text or the grammar is malformed.</exception>
    internal static GrammarParts Parse(string text, string name) => new GrammarParser(text, name).Parse();

    private GrammarParts Parse()
    {
        while (Peek().Kind != TokenKind.End)
        {
            Token token = Take();
            if (token.Kind == TokenKind.Directive)
            {
                ParseDirective(token);
            }
            else if (token.Kind == TokenKind.Name && Peek().Kind == TokenKind.Arrow)
            {
                Take();
                ParseRule(token);
            }
            else
            {
                throw Mistake(token, $"a rule must start with NAME ->, but here stands {Describe(token)}");
            }
        }

        if (_leftSides.Count == 0)
        {
            throw new UserMistakeException($"{_name} has no rules; write for example: S -> \"a\" S | \"a\".");
        }

        GrammarJoin join = _directives.TryGetValue("%join", out Token joinToken)
            ? joinToken.Text switch
            {
                "words" => GrammarJoin.Words,
                "characters" => GrammarJoin.Characters,
                _ => throw Mistake(joinToken, $"%join must be words or characters, not {joinToken.Text}"),
            }
            : GrammarJoin.Words;
        GrammarRule[] rules = [.. _alternatives.Select(alternative => Resolve(alternative, join))];
        rules = Normalise(rules);
        int start = _directives.TryGetValue("%start", out Token startToken) ? Nonterminal(startToken) : 0;
        int maximum = WholeNumber("%maximum", 40, out Token maximumToken), minimum = WholeNumber("%minimum", 1, out Token minimumToken);
        if (maximum is < 1 or > LongestString)
        {
            throw Mistake(maximumToken, $"%maximum must lie between 1 and {LongestString}");
        }

        if (minimum < 1 || minimum > maximum)
        {
            throw Mistake(minimumToken, $"%minimum must lie between 1 and %maximum ({maximum})");
        }

        double tilt = 1;
        if (_directives.TryGetValue("%tilt", out Token tiltToken)
            && (!double.TryParse(tiltToken.Text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out tilt)
                || !(tilt is >= 0.01 and <= 100)))
        {
            throw Mistake(tiltToken, $"%tilt must be a number between 0.01 and 100, not {tiltToken.Text}");
        }

        // Computing w takes symbols x maximum numbers and symbols x maximum^2 steps.
        long symbols = rules.Sum(rule => (long)rule.Right.Length);
        if (symbols * maximum * maximum > MostSteps)
        {
            throw new UserMistakeException($"{_name} has {symbols} symbols on its right sides, too many for strings of up to {maximum} terminals; "
                + "lower %maximum or shorten the grammar.");
        }

        RefuseUnproductive(rules);
        RefuseUnreachable(rules, start);
        int[] order = UnitOrder(rules);
        return new GrammarParts(_name, [.. _terminals.Keys], [.. _nonterminals.Keys], rules, order, start, minimum, maximum, tilt, join);
    }

    private void ParseDirective(Token directive)
    {
        if (directive.Text is not ("%start" or "%join" or "%minimum" or "%maximum" or "%tilt"))
        {
            throw Mistake(directive, $"{directive.Text} is no directive; there are %start, %join, %minimum, %maximum and %tilt");
        }

        Token value = Take();
        if (value.Kind != TokenKind.Name || value.Line != directive.Line)
        {
            throw Mistake(directive, $"{directive.Text} needs a value on its line");
        }

        if (!_directives.TryAdd(directive.Text, value))
        {
            throw Mistake(directive, $"{directive.Text} is given a second time");
        }
    }

    private void ParseRule(Token left)
    {
        if (!_nonterminals.TryAdd(left.Text, _nonterminals.Count))
        {
            throw Mistake(left,
                $"{left.Text} is defined a second time (first on line {_leftSides[_nonterminals[left.Text]].Line}); join the alternatives with |");
        }

        _leftSides.Add(left);
        do
        {
            Token first = Peek();
            var right = new List<Token>();
            while (Peek().Kind is TokenKind.Terminal || (Peek().Kind is TokenKind.Name && _tokens[_next + 1].Kind != TokenKind.Arrow))
            {
                right.Add(Take());
            }

            if (right.Count == 0)
            {
                throw Mistake(first, $"an alternative of {left.Text} is empty; each must produce at least one symbol");
            }

            double weight = 1;
            if (Peek().Kind == TokenKind.Weight)
            {
                Token written = Take();
                if (!double.TryParse(written.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out weight)
                    || !double.IsFinite(weight) || weight < 1e-9 || weight > 1e9)
                {
                    throw Mistake(written, $"the weight [{Excerpt.Of(written.Text)}] must be a number between 1e-9 and 1e9");
                }
            }

            _alternatives.Add((_leftSides.Count - 1, right, weight, right[0]));
        }
        while (Peek().Kind == TokenKind.Bar && Take().Kind == TokenKind.Bar);

        if (Peek().Kind is not (TokenKind.Name or TokenKind.Directive or TokenKind.End))
        {
            throw Mistake(Peek(), $"{Describe(Peek())} cannot follow an alternative of {left.Text}");
        }
    }

    private GrammarRule Resolve((int Left, List<Token> Right, double Weight, Token At) alternative, GrammarJoin join)
    {
        var right = new List<GrammarSymbol>();
        foreach (Token token in alternative.Right)
        {
            if (token.Kind == TokenKind.Name)
            {
                right.Add(new GrammarSymbol(false, Nonterminal(token)));
                continue;
            }

            IEnumerable<string> parts = join == GrammarJoin.Words
                ? token.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                : token.Text.EnumerateRunes().Select(rune => rune.ToString());
            int before = right.Count;
            foreach (string part in parts)
            {
                _terminals.TryAdd(part, _terminals.Count);
                right.Add(new GrammarSymbol(true, _terminals[part]));
            }

            if (right.Count == before)
            {
                throw Mistake(token, "a quoted terminal is empty; each alternative must produce at least one symbol");
            }
        }

        return new GrammarRule(alternative.Left, [.. right], alternative.Weight);
    }

    private int Nonterminal(Token token) => _nonterminals.TryGetValue(token.Text, out int index)
        ? index
        : throw Mistake(token, $"{token.Text} is not defined; add a rule {token.Text} -> ... or quote it if it is a terminal");

    private int WholeNumber(string directive, int otherwise, out Token token)
    {
        if (!_directives.TryGetValue(directive, out token))
        {
            return otherwise;
        }

        return int.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw Mistake(token, $"{directive} needs a whole number, not {token.Text}");
    }

    private static GrammarRule[] Normalise(GrammarRule[] rules)
    {
        ILookup<int, double> weights = rules.ToLookup(rule => rule.Left, rule => rule.Probability);
        Dictionary<int, double> totals = weights.ToDictionary(group => group.Key, group => group.Sum());
        return [.. rules.Select(rule => rule with { Probability = rule.Probability / totals[rule.Left] })];
    }

    private void RefuseUnproductive(GrammarRule[] rules)
    {
        // A rule is productive when the last of its nonterminals is. Each rule is visited once for each of its nonterminals.
        ILookup<int, int> uses =
            rules.SelectMany((rule, index) => rule.Right.Where(symbol => !symbol.IsTerminal).Select(symbol => (symbol.Index, Rule: index)))
            .ToLookup(use => use.Index, use => use.Rule);
        int[] missing = [.. rules.Select(rule => rule.Right.Count(symbol => !symbol.IsTerminal))];
        bool[] productive = new bool[_leftSides.Count];
        var pending = new Stack<int>(Enumerable.Range(0, rules.Length).Where(index => missing[index] == 0));
        while (pending.TryPop(out int index))
        {
            int left = rules[index].Left;
            if (productive[left])
            {
                continue;
            }

            productive[left] = true;
            foreach (int user in uses[left])
            {
                if (--missing[user] == 0)
                {
                    pending.Push(user);
                }
            }
        }

        int barren = Array.IndexOf(productive, false);
        if (barren >= 0)
        {
            throw Mistake(_leftSides[barren],
                $"{_leftSides[barren].Text} never ends: each of its alternatives leads back to a rule without end; add one that ends in terminals");
        }
    }

    private void RefuseUnreachable(GrammarRule[] rules, int start)
    {
        ILookup<int, GrammarRule> rulesOf = rules.ToLookup(rule => rule.Left);
        bool[] reached = new bool[_leftSides.Count];
        reached[start] = true;
        var pending = new Stack<int>([start]);
        while (pending.TryPop(out int left))
        {
            foreach (GrammarSymbol symbol in rulesOf[left]
                .SelectMany(rule => rule.Right).Where(symbol => !symbol.IsTerminal && !reached[symbol.Index]))
            {
                reached[symbol.Index] = true;
                pending.Push(symbol.Index);
            }
        }

        int unused = Array.IndexOf(reached, false);
        if (unused >= 0)
        {
            throw Mistake(_leftSides[unused],
                $"{_leftSides[unused].Text} is never used from the start symbol {_leftSides[start].Text}; use it or remove it");
        }
    }

    /// <summary>The nonterminals in an order in which, for every rule A -> B, B comes before A.</summary>
    private int[] UnitOrder(GrammarRule[] rules)
    {
        ILookup<int, int> units = rules.Where(rule => rule.Right is [{ IsTerminal: false }]).ToLookup(rule => rule.Left, rule => rule.Right[0].Index);
        var order = new List<int>();
        int[] state = new int[_leftSides.Count];
        var stack = new Stack<(int Nonterminal, IEnumerator<int> Children)>();
        for (int root = 0; root < state.Length; root++)
        {
            if (state[root] == 0)
            {
                Enter(root);
            }

            while (stack.Count > 0)
            {
                (int nonterminal, IEnumerator<int> children) = stack.Peek();
                if (!children.MoveNext())
                {
                    stack.Pop();
                    state[nonterminal] = 2;
                    order.Add(nonterminal);
                }
                else if (state[children.Current] == 1)
                {
                    Token at = _leftSides[children.Current];
                    throw Mistake(at, $"{at.Text} is left-recursive without producing anything: its alternatives lead through single symbols back "
                        + $"to {at.Text}; remove that circle");
                }
                else if (state[children.Current] == 0)
                {
                    Enter(children.Current);
                }
            }
        }

        return [.. order];

        void Enter(int nonterminal)
        {
            state[nonterminal] = 1;
            stack.Push((nonterminal, units[nonterminal].GetEnumerator()));
        }
    }

    private void Scan(string text)
    {
        int line = 1, column = 1, position = 0;
        void Step()
        {
            if (text[position] == '\n')
            {
                (line, column) = (line + 1, 0);
            }

            column++;
            position++;
        }

        while (position < text.Length)
        {
            char c = text[position];
            int startLine = line, startColumn = column;
            if (char.IsWhiteSpace(c))
            {
                Step();
            }
            else if (c == '#')
            {
                while (position < text.Length && text[position] != '\n')
                {
                    Step();
                }
            }
            else if (c == '|')
            {
                Step();
                _tokens.Add(new Token(TokenKind.Bar, "|", startLine, startColumn));
            }
            else if (c == '-' && position + 1 < text.Length && text[position + 1] == '>')
            {
                Step();
                Step();
                _tokens.Add(new Token(TokenKind.Arrow, "->", startLine, startColumn));
            }
            else if (c is '"' or '[')
            {
                char close = c == '"' ? '"' : ']';
                var content = new StringBuilder();
                Step();
                while (position < text.Length && text[position] is not '\n' && text[position] != close)
                {
                    if (c == '"' && text[position] == '\\' && position + 1 < text.Length && text[position + 1] is '"' or '\\')
                    {
                        Step();
                    }

                    content.Append(text[position]);
                    Step();
                }

                if (position >= text.Length || text[position] != close)
                {
                    throw Mistake(new Token(TokenKind.Terminal, "", startLine, startColumn), $"{c} is not closed by {close} on its line");
                }

                Step();
                _tokens.Add(new Token(c == '"' ? TokenKind.Terminal : TokenKind.Weight, content.ToString(), startLine, startColumn));
            }
            else if (c == '%' || char.IsLetterOrDigit(c) || c == '_')
            {
                int begin = position;
                do
                {
                    Step();
                }
                while (position < text.Length
                    && (char.IsLetterOrDigit(text[position]) || text[position] == '_' || (text[position] == '.' && char.IsAsciiDigit(c))));
                _tokens.Add(new Token(c == '%' ? TokenKind.Directive : TokenKind.Name, text[begin..position], startLine, startColumn));
            }
            else
            {
                throw Mistake(new Token(TokenKind.Name, "", startLine, startColumn),
                    $"the character '{Excerpt.Of(c.ToString())}' has no meaning here; quote terminals");
            }
        }

        _tokens.Add(new Token(TokenKind.End, "", line, column));
        _tokens.Add(new Token(TokenKind.End, "", line, column));
    }

    private Token Peek() => _tokens[_next];

    private Token Take() => _tokens[_next].Kind == TokenKind.End ? _tokens[_next] : _tokens[_next++];

    private static string Describe(Token token) => token.Kind switch
    {
        TokenKind.End => "the end of the file",
        TokenKind.Terminal => $"\"{Excerpt.Of(token.Text)}\"",
        TokenKind.Weight => $"[{Excerpt.Of(token.Text)}]",
        _ => Excerpt.Of(token.Text),
    };

    private UserMistakeException Mistake(Token at, string sentence) => new($"{_name}, line {at.Line}, column {at.Column}: {sentence}.");
}

/// <summary>The contents of a grammar file, checked.</summary>
internal sealed record GrammarParts(
    string Name, string[] Terminals, string[] Nonterminals, GrammarRule[] Rules, int[] UnitOrder, int Start, int Minimum, int Maximum, double Tilt,
    GrammarJoin Join);
