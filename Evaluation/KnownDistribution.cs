namespace GumbelGan.Evaluation;

/// <summary>
/// A distribution known exactly over a finite set of strings (for example a grammar's strings up to a length, renormalised), in the form
/// that comparisons need: strings numbered, probabilities in an array.
/// </summary>
/// <typeparam name="T">Strings or sequences of ids.</typeparam>
public sealed class KnownDistribution<T>
    where T : notnull
{
    private const double Tolerance = 1e-6;

    private readonly Dictionary<T, int> _numbers;
    private readonly double[] _probabilities;

    /// <summary>Tabulates the distribution.</summary>
    /// <param name="support">Every string of positive probability, each once; strings of probability 0 are dropped and count as invalid.</param>
    /// <param name="logProbability">Natural logarithm of the probability, nats.</param>
    /// <param name="equality">When two strings are the same; null for the type's own equality (sequences of ids need one by content).</param>
    /// <exception cref="ArgumentException">A string occurs twice, or the probabilities do not sum to 1 within 1e-6.</exception>
    public KnownDistribution(IEnumerable<T> support, Func<T, double> logProbability, IEqualityComparer<T>? equality = null)
    {
        _numbers = new Dictionary<T, int>(equality);
        var probabilities = new List<double>();
        foreach (T text in support)
        {
            double probability = Math.Exp(logProbability(text));
            if (probability == 0)
            {
                continue;
            }

            if (!_numbers.TryAdd(text, probabilities.Count))
            {
                throw new ArgumentException($"The support lists '{text}' twice.", nameof(support));
            }

            probabilities.Add(probability);
        }

        double total = probabilities.Sum();
        if (!(Math.Abs(total - 1) <= Tolerance))
        {
            throw new ArgumentException(FormattableString.Invariant($"The probabilities of the support sum to {total}, not to 1: renormalise them."),
                nameof(logProbability));
        }

        _probabilities = [.. probabilities.Select(probability => probability / total)];
    }

    /// <summary>Tabulates a distribution from its strings and their probabilities, as a grammar's enumeration gives them.</summary>
    /// <exception cref="ArgumentException">A string occurs twice, or the probabilities do not sum to 1 within 1e-6.</exception>
    public static KnownDistribution<T> Of(IEnumerable<(T Text, double Probability)> strings, IEqualityComparer<T>? equality = null)
    {
        var probabilities = new Dictionary<T, double>(equality);
        foreach ((T text, double probability) in strings)
        {
            if (!probabilities.TryAdd(text, probability))
            {
                throw new ArgumentException($"The support lists '{text}' twice.", nameof(strings));
            }
        }

        return new KnownDistribution<T>(probabilities.Keys, text => Math.Log(probabilities[text]), equality);
    }

    /// <summary>Number of strings with positive probability, K.</summary>
    public int SupportSize => _probabilities.Length;

    /// <summary>The probabilities; [K].</summary>
    public ReadOnlySpan<double> Probabilities => _probabilities;

    /// <summary>Counts how often each string of the support occurs among <paramref name="samples"/>.</summary>
    /// <returns>Counts, [K], and how many samples lie outside the support.</returns>
    public (long[] Counts, long Outside) Count(IEnumerable<T> samples)
    {
        long[] counts = new long[SupportSize];
        long outside = 0;
        foreach (T sample in samples)
        {
            if (_numbers.TryGetValue(sample, out int number))
            {
                counts[number]++;
            }
            else
            {
                outside++;
            }
        }

        return (counts, outside);
    }
}
