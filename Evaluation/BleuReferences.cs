using System.Buffers;

namespace GumbelGan.Evaluation;

/// <summary>
/// A corpus of references prepared once for sentence BLEU (Papineni et al. 2002) as NLTK's <c>sentence_bleu</c> defines it with
/// <c>SmoothingFunction().method1</c> (Chen and Cherry 2014: a precision without any match counts 0.1 matches) and uniform weights.
/// Every hypothesis shares the corpus, so the largest count of each n-gram over all references is computed here, not per hypothesis.
/// </summary>
/// <remarks>
/// For self-BLEU the largest and the second largest count of each n-gram are kept: without one sentence the maximum is the second
/// largest where that sentence holds the largest, and the largest elsewhere. Safe to read from many threads.
/// </remarks>
public sealed class BleuReferences
{
    private const double MatchesWhereNone = 0.1;

    private readonly NGramIndex _index;
    private readonly int[][] _largest, _second;
    private readonly SortedList<int, int> _sentencesOfLength = [];
    private readonly int[] _lengths;

    /// <summary>Counts the n-grams of <paramref name="references"/> for orders 1..<paramref name="maximumOrder"/>.</summary>
    /// <param name="references">Token ids, one array a sentence; empty sentences are allowed, an empty list is not.</param>
    /// <param name="maximumOrder">The longest n-gram, in tokens.</param>
    /// <exception cref="ArgumentException">There are no references.</exception>
    public BleuReferences(IReadOnlyList<int[]> references, int maximumOrder = 5)
    {
        if (references.Count == 0)
        {
            throw new ArgumentException("BLEU needs at least one reference.", nameof(references));
        }

        _index = new NGramIndex(maximumOrder);
        _largest = new int[maximumOrder][];
        _second = new int[maximumOrder][];
        for (int order = 0; order < maximumOrder; order++)
        {
            _largest[order] = [];
            _second[order] = [];
        }

        int[] numbers = new int[references.Max(reference => reference.Length)];
        foreach (int[] reference in references)
        {
            _sentencesOfLength[reference.Length] = _sentencesOfLength.GetValueOrDefault(reference.Length) + 1;
            for (int order = 1; order <= maximumOrder; order++)
            {
                int positions = _index.Advance(order, reference, numbers, add: true);
                KeepLargest(order, numbers.AsSpan(0, positions));
            }
        }

        _lengths = [.. _sentencesOfLength.Keys];
    }

    /// <summary>The longest n-gram counted, in tokens.</summary>
    public int MaximumOrder => _index.MaximumOrder;

    /// <summary>BLEU-1..BLEU-<see cref="MaximumOrder"/> of one hypothesis against all references.</summary>
    /// <param name="hypothesis">Token ids, [T]; may be empty (then every BLEU is 0, as in NLTK).</param>
    /// <param name="bleu">Receives BLEU-n at index n-1; [MaximumOrder].</param>
    public void Score(ReadOnlySpan<int> hypothesis, Span<double> bleu) => Score(hypothesis, bleu, isReference: false);

    /// <summary>
    /// The same for a sentence that is one of the references, against all the others. An identical sentence elsewhere in the corpus
    /// remains a reference: only the sentence itself is left out.
    /// </summary>
    /// <param name="reference">One of the sentences that this corpus was made of, [T].</param>
    /// <param name="bleu">Receives BLEU-n at index n-1; [MaximumOrder].</param>
    /// <exception cref="InvalidOperationException">No other reference exists.</exception>
    public void ScoreAgainstOthers(ReadOnlySpan<int> reference, Span<double> bleu) => Score(reference, bleu, isReference: true);

    private void Score(ReadOnlySpan<int> hypothesis, Span<double> bleu, bool isReference)
    {
        int[] rented = ArrayPool<int>.Shared.Rent(hypothesis.Length);
        Span<int> numbers = rented.AsSpan(0, hypothesis.Length);
        double logPenalty = LogBrevityPenalty(hypothesis.Length, ClosestLength(hypothesis.Length, isReference));
        double logPrecisions = 0;
        bleu.Clear();
        for (int order = 1; order <= MaximumOrder; order++)
        {
            int positions = _index.Advance(order, hypothesis, numbers, add: false);
            int matches = ClippedMatches(order, numbers[..positions], isReference);
            if (order == 1 && matches == 0)
            {
                break;
            }

            logPrecisions += Math.Log((matches == 0 ? MatchesWhereNone : matches) / Math.Max(1, positions));
            bleu[order - 1] = Math.Exp(logPenalty + (logPrecisions / order));
        }

        ArrayPool<int>.Shared.Return(rented);
    }

    private int ClippedMatches(int order, ReadOnlySpan<int> numbers, bool isReference)
    {
        int[] largest = _largest[order - 1], second = _second[order - 1];
        int matches = 0;
        for (int position = 0; position < numbers.Length; position++)
        {
            int number = numbers[position];
            if (number == NGramIndex.Unknown)
            {
                continue;
            }

            int limit = largest[number];
            if (isReference && numbers.Count(number) == limit)
            {
                limit = second[number];
            }

            // The k-th occurrence counts as long as k is within the references' largest count: their sum is min(count, limit).
            if (numbers[..(position + 1)].Count(number) <= limit)
            {
                matches++;
            }
        }

        return matches;
    }

    private void KeepLargest(int order, ReadOnlySpan<int> numbers)
    {
        ref int[] largest = ref _largest[order - 1];
        ref int[] second = ref _second[order - 1];
        if (largest.Length < _index.Count(order))
        {
            int size = Math.Max(1024, 2 * _index.Count(order));
            Array.Resize(ref largest, size);
            Array.Resize(ref second, size);
        }

        for (int position = 0; position < numbers.Length; position++)
        {
            int number = numbers[position];
            if (numbers[..position].Contains(number))
            {
                continue;
            }

            int count = numbers[position..].Count(number);
            if (count >= largest[number])
            {
                second[number] = largest[number];
                largest[number] = count;
            }
            else if (count > second[number])
            {
                second[number] = count;
            }
        }
    }

    // NLTK's closest_ref_length: the smallest distance, and of two equally near the shorter.
    private int ClosestLength(int length, bool isReference)
    {
        int best = -1;
        long bestDistance = long.MaxValue;
        int place = Array.BinarySearch(_lengths, length);
        place = place < 0 ? ~place : place;
        for (int candidate = Math.Max(0, place - 1); candidate < Math.Min(_lengths.Length, place + 2); candidate++)
        {
            bool onlyItself = isReference && _lengths[candidate] == length && _sentencesOfLength[length] == 1;
            long distance = Math.Abs((long)_lengths[candidate] - length);
            if (!onlyItself && distance < bestDistance)
            {
                (best, bestDistance) = (_lengths[candidate], distance);
            }
        }

        return best >= 0 ? best : throw new InvalidOperationException("Self-BLEU needs at least two sentences.");
    }

    private static double LogBrevityPenalty(int length, int closest) =>
        length > closest ? 0 : length == 0 ? double.NegativeInfinity : 1 - ((double)closest / length);
}
