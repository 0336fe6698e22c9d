using System.Text.RegularExpressions;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Tokenization;

public sealed partial class GrammarTests
{
    private const string Ambiguous = """
        %join characters
        %maximum 6
        S -> A B [2] | S S [0.5] | B
        A -> "a" | A "a" [0.3] | B B C
        B -> "b" [3] | C
        C -> "a" "c" | "b"
        """;

    [Theory]
    [InlineData("arithmetic")]
    [InlineData("texygen", 9)]
    public void Probabilities_of_the_enumerated_language_sum_to_one(string name, int maximum = 0)
    {
        Grammar grammar = Shipped(name, maximum);
        IReadOnlyList<GrammarString> language = grammar.Enumerate();
        Assert.Equal(1, language.Sum(entry => entry.Probability), 1e-9);
        Assert.Equal(language.Count, language.Select(entry => entry.Text).Distinct().Count());
        Assert.All(language, entry => Assert.Equal(Math.Log(entry.Probability), grammar.LogProbability(entry.Text), 1e-9));
    }

    [Fact]
    public void The_arithmetic_language_has_the_strings_and_probabilities_of_its_closed_form()
    {
        Grammar grammar = Shipped("arithmetic");
        IReadOnlyList<GrammarString> language = grammar.Enumerate();
        // With k operators there are 4^k strings, each with Catalan(k) derivations of probability 0.2^(2k+1), tilted by 1.75^(2k+1).
        double[] catalan = [1, 1, 2, 5, 14, 42];
        double[] weights = [.. catalan.Select((number, k) => number * Math.Pow(0.2 * 1.75, (2 * k) + 1))];
        double total = weights.Select((weight, k) => weight * Math.Pow(4, k)).Sum();
        Assert.Equal(1365, language.Count);
        Assert.All(language, entry => Assert.Equal(weights[(entry.Text.Length - 1) / 2] / total, entry.Probability, 1e-12));
    }

    [Fact]
    public void Inside_probabilities_equal_the_sum_over_all_derivations()
    {
        var grammar = Grammar.Parse(Ambiguous, "ambiguous");
        Dictionary<string, double> brute = BruteForce();
        double total = brute.Values.Sum();
        Assert.True(brute.Count > 100);
        Assert.All(brute, pair => Assert.Equal(pair.Value / total, Math.Exp(grammar.LogProbability(pair.Key)), 1e-12));
        Dictionary<string, double> enumerated = grammar.Enumerate().ToDictionary(entry => entry.Text, entry => entry.Probability);
        Assert.Equal(brute.Keys.Order(StringComparer.Ordinal), enumerated.Keys.Order(StringComparer.Ordinal));
        Assert.All(Strings("abc", 5), text => Assert.Equal(brute.ContainsKey(text), Derives(grammar, text)));
    }

    [Fact]
    public void Samples_have_the_exact_probabilities()
    {
        var grammar = Grammar.Parse(Ambiguous, "ambiguous");
        var random = new RandomStream(new RandomKey(11));
        const int Draws = 200_000;
        Dictionary<string, int> counts = Enumerable.Range(0, Draws).Select(_ => grammar.Sample(random)).CountBy(text => text).ToDictionary();
        IReadOnlyList<GrammarString> language = grammar.Enumerate();
        GrammarString[] common = [.. language.Where(entry => entry.Probability * Draws >= 20)];
        double statistic =
            common.Sum(entry => Math.Pow(counts.GetValueOrDefault(entry.Text) - (entry.Probability * Draws), 2) / (entry.Probability * Draws));
        double restExpected = Draws * (1 - common.Sum(entry => entry.Probability)),
            restObserved = Draws - common.Sum(entry => counts.GetValueOrDefault(entry.Text));
        statistic += Math.Pow(restObserved - restExpected, 2) / restExpected;
        // Chi-square with as many degrees of freedom as common strings: mean k, variance 2k; five standard deviations.
        Assert.InRange(statistic, common.Length - (5 * Math.Sqrt(2 * common.Length)), common.Length + (5 * Math.Sqrt(2 * common.Length)));
        Assert.Equal(counts.Keys.Order(), counts.Keys.Intersect(language.Select(entry => entry.Text)).Order());
    }

    [Theory]
    [InlineData("arithmetic")]
    [InlineData("texygen")]
    public void Validity_agrees_with_an_independent_recogniser_on_valid_and_mutated_strings(string name)
    {
        Grammar grammar = Shipped(name);
        Func<string, bool> recogniser = name == "arithmetic" ? text => Arithmetic().IsMatch(text) : text => TexygenAccepts(text.Split(' '));
        var random = new RandomStream(new RandomKey(3));
        int valid = 0;
        const int Draws = 3000;
        for (int i = 0; i < Draws; i++)
        {
            string text = grammar.Sample(random);
            Assert.True(Derives(grammar, text) && recogniser(text), text);
            List<string> symbols = [.. grammar.Join == GrammarJoin.Words ? text.Split(' ') : text.Select(c => c.ToString())];
            for (int edits = random.NextInt32(3) + 1; edits > 0 && symbols.Count > 0; edits--)
            {
                int at = random.NextInt32(symbols.Count);
                string other = grammar.Terminals[random.NextInt32(grammar.Terminals.Count)];
                switch (random.NextInt32(3))
                {
                    case 0:
                        symbols[at] = other;
                        break;
                    case 1:
                        symbols.Insert(at, other);
                        break;
                    default:
                        symbols.RemoveAt(at);
                        break;
                }
            }

            string mutated = string.Join(grammar.Join == GrammarJoin.Words ? " " : "", symbols);
            bool derivedWithinBounds = recogniser(mutated) && symbols.Count <= grammar.MaximumLength;
            Assert.Equal(derivedWithinBounds, Derives(grammar, mutated));
            valid += recogniser(mutated) ? 1 : 0;
        }

        Assert.InRange(valid, Draws / 100, Draws * 99 / 100);
    }

    [Fact]
    public void Captions_have_five_to_sixteen_words_of_a_vocabulary_of_at_most_three_hundred_and_agree_in_article_and_number()
    {
        Grammar grammar = Shipped("captions");
        Assert.InRange(grammar.Terminals.Count, 150, 300);
        var random = new RandomStream(new RandomKey(4));
        string[] captions = [.. Enumerable.Range(0, 20_000).Select(_ => grammar.Sample(random))];
        Assert.All(captions, caption =>
        {
            Assert.InRange(caption.Split(' ').Length, 5, 16);
            Assert.DoesNotMatch("(^| )a [aeiou]", caption);
            Assert.DoesNotMatch("(^| )an [^aeiou]", caption);
            Assert.DoesNotMatch("^(two|three|several) [a-z ]* is ", caption);
            Assert.DoesNotMatch("^an? (man|woman|boy|girl|person|child|dog|cat|zebra|bird|car|truck|bus|train|plane) are ", caption);
        });
        Assert.All(captions.Take(200), caption => Assert.True(Derives(grammar, caption) && grammar.LogProbability(caption) < -1));
        // Varied enough to judge a generator by: most of a sample of this size are seen once.
        Assert.True(captions.Distinct().Count() > 7000);
    }

    [Theory]
    [InlineData("", "g has no rules")]
    [InlineData("S -> \"a\"\nT -> \"b\"", "g, line 2, column 1: T is never used")]
    [InlineData("S -> \"a\" X", "g, line 1, column 10: X is not defined")]
    [InlineData("S -> S \"a\"", "g, line 1, column 1: S never ends")]
    [InlineData("S -> \"a\" | T\nT -> T T", "g, line 2, column 1: T never ends")]
    [InlineData("S -> \"a\" | S", "g, line 1, column 1: S is left-recursive without producing anything")]
    [InlineData("S -> A | \"x\"\nA -> B\nB -> A | \"b\"", "is left-recursive without producing anything")]
    [InlineData("S -> \"a\" |", "g, line 1, column 11: an alternative of S is empty")]
    [InlineData("S -> | \"a\"", "g, line 1, column 6: an alternative of S is empty")]
    [InlineData("S -> \"\"", "g, line 1, column 6: a quoted terminal is empty")]
    [InlineData("S -> \"a\n\"", "g, line 1, column 6: \" is not closed")]
    [InlineData("S -> \"a\" [0]", "g, line 1, column 10: the weight [0] must be")]
    [InlineData("S -> \"a\" [NaN]", "must be a number between")]
    [InlineData("S -> \"a\" [-1]", "must be a number between")]
    [InlineData("S -> \"a\" [1,5]", "must be a number between")]
    [InlineData("S -> \"a\" [1", "[ is not closed by ]")]
    [InlineData("S -> \"a\"\nS -> \"b\"", "g, line 2, column 1: S is defined a second time (first on line 1)")]
    [InlineData("\"a\" -> S", "g, line 1, column 1: a rule must start with NAME ->")]
    [InlineData("S \"a\"", "a rule must start with NAME ->")]
    [InlineData("S -> a\u0007", "g, line 1, column 7: the character '<U+0007>' has no meaning here")]
    [InlineData("S -> \"a\" [1] \"b\"", "g, line 1, column 14: \"b\" cannot follow")]
    [InlineData("%colour red\nS -> \"a\"", "g, line 1, column 1: %colour is no directive")]
    [InlineData("%maximum\nS -> \"a\"", "%maximum needs a value")]
    [InlineData("%maximum many\nS -> \"a\"", "g, line 1, column 10: %maximum needs a whole number")]
    [InlineData("%maximum 0\nS -> \"a\"", "%maximum must lie between 1 and 1000")]
    [InlineData("%minimum 9\n%maximum 8\nS -> \"a\"", "%minimum must lie between")]
    [InlineData("%maximum 8\n%maximum 8\nS -> \"a\"", "a second time")]
    [InlineData("%start T\nS -> \"a\"", "g, line 1, column 8: T is not defined")]
    [InlineData("%join lines\nS -> \"a\"", "%join must be words or characters")]
    [InlineData("%tilt 0\nS -> \"a\"", "%tilt must be a number")]
    [InlineData("%minimum 2\nS -> \"a\"", "derives no string of 2 to 40 terminals")]
    public void A_malformed_grammar_is_refused_with_line_and_column(string text, string says)
    {
        UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => Grammar.Parse(text, "g"));
        Assert.Contains(says, mistake.Message);
        Assert.DoesNotContain('\n', mistake.Message);
    }

    [Fact]
    public void Words_escapes_comments_and_directives_mean_what_the_documentation_says()
    {
        var grammar =
            Grammar.Parse("# comment\n%start Start\n%minimum 2 # two\nOther -> \"say \\\"hi\\\"\" | \"back\\\\slash\" \"#1\"\nStart -> Other "
                + "[0.25] | \"lone\" Other [.75]", "g");
        Assert.Equal(["say", "\"hi\"", "back\\slash", "#1", "lone"], grammar.Terminals);
        Assert.Equal(0.125, Math.Exp(grammar.LogProbability("say \"hi\"")), 1e-12);
        Assert.Equal(0.375, Math.Exp(grammar.LogProbability("lone back\\slash #1")), 1e-12);
        Assert.All(new[] { "say  \"hi\"", " say \"hi\"", "say \"hi\" ", " " },
            text => Assert.Equal(double.NegativeInfinity, grammar.LogProbability(text)));
        Assert.False(Derives(grammar, "lone lone"));
        Assert.False(Derives(grammar, ""));
    }

    [Fact]
    public void Too_large_a_language_is_refused_before_memory_is_spent_on_it() =>
        Assert.Throws<UserMistakeException>(() => Shipped("captions").Enumerate(limit: 10_000));

    [Fact]
    public void A_grammar_beyond_any_use_is_refused_at_once()
    {
        string chain = string.Concat(Enumerable.Range(0, 10_000).Select(i => $"A{i} -> A{i + 1} \"a\"\n"));
        Assert.Contains("too many for strings of up to 1000 terminals",
            Assert.Throws<UserMistakeException>(() => Grammar.Parse("%maximum 1000\n" + chain + "A10000 -> \"a\"", "g")).Message);
        Assert.Contains("never ends", Assert.Throws<UserMistakeException>(() => Grammar.Parse(chain + "A10000 -> A10000 \"a\"", "g")).Message);
        Assert.Contains("derives no string of 1 to 40",
            Assert.Throws<UserMistakeException>(() => Grammar.Parse(chain + "A10000 -> \"a\"", "g")).Message);
        Assert.Contains("bring %tilt nearer to 1",
            Assert.Throws<UserMistakeException>(() => Grammar.Parse("%maximum 1000\n%tilt 100\nS -> \"a\" S | \"a\"", "g")).Message);
    }

    [Fact]
    public void A_grammar_file_in_no_UTF8_or_without_end_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["g"], [.. "S ->\n \""u8, 0xFF, .. "\""u8]);
        Assert.Contains("line 2: byte 7 of the file is not valid UTF-8",
            Assert.Throws<UserMistakeException>(() => Grammar.Load(folder["g"])).Message);
        Assert.Throws<UserMistakeException>(() => Grammar.Load("/dev/zero"));
        Assert.Throws<UserMistakeException>(() => Grammar.Load(folder.Path));
    }

    private static bool Derives(Grammar grammar, string text) => grammar.LogProbability(text) > double.NegativeInfinity;

    [GeneratedRegex("^x([-+*/]x)*$")]
    private static partial Regex Arithmetic();

    /// <summary>
    /// Texygen's language without its grammar: operands (x, y or a parenthesised sentence) that + - * / join, where after an operator stands x or y.
    /// </summary>
    private static bool TexygenAccepts(string[] tokens)
    {
        int position = 0;
        return Sentence() && position == tokens.Length;

        bool Sentence()
        {
            if (position < tokens.Length && tokens[position] == "(")
            {
                position++;
                if (!Sentence() || position >= tokens.Length || tokens[position++] != ")")
                {
                    return false;
                }
            }
            else if (!Variable())
            {
                return false;
            }

            while (position < tokens.Length && tokens[position] is "+" or "-" or "*" or "/")
            {
                position++;
                if (!Variable())
                {
                    return false;
                }
            }

            return true;
        }

        bool Variable() => position < tokens.Length && tokens[position++] is "x" or "y";
    }

    /// <summary>
    /// The strings of <see cref="Ambiguous"/> up to its maximum with the total probability of their leftmost derivations, found by
    /// rewriting sentential forms one symbol at a time: no chart, no lengths. Lower-case letters are terminals.
    /// </summary>
    private static Dictionary<string, double> BruteForce()
    {
        var rules = new Dictionary<char, (string Right, double Probability)[]>
        {
            ['S'] = [("AB", 2 / 3.5), ("SS", 0.5 / 3.5), ("B", 1 / 3.5)],
            ['A'] = [("a", 1 / 2.3), ("Aa", 0.3 / 2.3), ("BBC", 1 / 2.3)],
            ['B'] = [("b", 3 / 4.0), ("C", 1 / 4.0)],
            ['C'] = [("ac", 0.5), ("b", 0.5)],
        };
        var strings = new Dictionary<string, double>();
        var forms = new Dictionary<string, double> { ["S"] = 1 };
        while (forms.Count > 0)
        {
            var rewritten = new Dictionary<string, double>();
            foreach ((string form, double probability) in forms)
            {
                int left = form.AsSpan().IndexOfAnyInRange('A', 'Z');
                if (left < 0)
                {
                    strings[form] = strings.GetValueOrDefault(form) + probability;
                    continue;
                }

                foreach ((string right, double chance) in rules[form[left]])
                {
                    string next = form[..left] + right + form[(left + 1)..];
                    if (next.Length <= 6)
                    {
                        rewritten[next] = rewritten.GetValueOrDefault(next) + (probability * chance);
                    }
                }
            }

            forms = rewritten;
        }

        return strings;
    }

    private static IEnumerable<string> Strings(string alphabet, int maximum)
    {
        IEnumerable<string> ofLength = [""];
        for (int length = 1; length <= maximum; length++)
        {
            ofLength = [.. ofLength.SelectMany(text => alphabet.Select(c => text + c))];
            foreach (string text in ofLength)
            {
                yield return text;
            }
        }
    }

    internal static Grammar Shipped(string name, int maximum = 0)
    {
        string text = File.ReadAllText(Path.Combine(SourceTree.Root, "corpora", name + ".grammar"));
        return Grammar.Parse(maximum == 0 ? text : Regex.Replace(text, "%maximum \\d+", $"%maximum {maximum}"), name);
    }
}
