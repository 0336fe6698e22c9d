using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Watching;

/// <summary>The beginning of sequences that a user gives as text, to be completed by a generator.</summary>
public static class SamplePrefix
{
    // A word that is further from what was typed than a third of its letters was hardly meant.
    private const int LettersToAnError = 3;

    /// <summary>The tokens of a beginning.</summary>
    /// <param name="text">Any text; nothing but white space is no beginning where the tokenizer keeps none.</param>
    /// <param name="tokenizer">The run's.</param>
    /// <param name="format">What the run's generator writes.</param>
    /// <exception cref="UserMistakeException">The generator does not know a part of it, or it leaves no room for a completion.</exception>
    public static int[] Encode(string text, TextTokenizer tokenizer, SequenceFormat format)
    {
        int[] ids = tokenizer.Encode(text);
        if (ids.Contains(tokenizer.UnknownId))
        {
            throw new UserMistakeException(Unknown(text, tokenizer));
        }

        int longest = format.Length - (format.EndId is null ? 0 : 1);
        return ids.Length < longest ? ids : throw new UserMistakeException(
            $"--prefix has {ids.Length} tokens, and the run's sequences have at most {longest}; give a shorter one.");
    }

    private static string Unknown(string text, TextTokenizer tokenizer)
    {
        string unknown = tokenizer.FirstUnknown(text)!;
        string kind = tokenizer.Options.Kind == TokenizerKind.Char ? "character" : tokenizer.Options.Kind.ToString().ToLowerInvariant();
        string told = $"The {kind} '{Excerpt.Of(unknown)}' in --prefix is not in the run's vocabulary";
        if (tokenizer.Options.Kind == TokenizerKind.Number)
        {
            return $"{told}; give whole numbers from 0 to {tokenizer.Options.Numbers - 1}.";
        }

        string? near = NearestName.Among(tokenizer.Vocabulary.Ids.Where(pair => !tokenizer.Vocabulary.IsSpecial(pair.Value)).Select(pair => pair.Key),
            unknown);
        return tokenizer.Options.Kind == TokenizerKind.Word && near is not null
            && NearestName.Distance(near, unknown) <= Math.Max(1, unknown.Length / LettersToAnError)
            ? $"{told}; did you mean '{Excerpt.Of(near)}'?" : $"{told}; choose what its training text has.";
    }
}
