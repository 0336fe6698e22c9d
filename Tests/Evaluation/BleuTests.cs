using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Metrics;
using Xunit;

namespace GumbelGan.Tests.Evaluation;

/// <summary>Golden numbers: NLTK 3.8, sentence_bleu with weights (1/n,)*n and SmoothingFunction().method1, on the same ids.</summary>
public sealed class BleuTests
{
    public static readonly TheoryData<int[], int[][], double[]> Single = new()
    {
        { [], [[1, 2, 3]], [0, 0, 0, 0, 0] },
        { [1], [[1, 2, 3]], [0.1353352832366127, 0.04279677428117006, 0.029157102899024897, 0.024066394763145416, 0.021449196910150414] },
        { [1], [[1]], [1.0, 0.316227766016838, 0.21544346900318845, 0.1778279410038923, 0.15848931924611137] },
        { [1, 2], [[1, 2], [3]], [1.0, 1.0, 0.464158883361278, 0.316227766016838, 0.251188643150958] },
        { [9, 9], [[1, 2]], [0, 0, 0, 0, 0] },
        { [1, 2], [[]], [0, 0, 0, 0, 0] },
        { [], [[]], [0, 0, 0, 0, 0] },
        { [1, 2, 3], [[1, 2], [1, 2, 3, 4]], [1.0, 1.0, 1.0, 0.5623413251903491, 0.39810717055349726] },
        { [1, 1, 1, 1], [[1, 1], [1, 2, 1, 2, 1]],
            [0.5841005873035536, 0.3894003915357024, 0.18074365091565606, 0.14643803168582153, 0.12906496920792726] },
        { [1, 2, 3, 4, 5, 6], [[1, 2, 3, 4, 5, 6]], [1, 1, 1, 1, 1] },
    };

    [Theory]
    [MemberData(nameof(Single))]
    public void One_sentence_scores_as_in_nltk(int[] hypothesis, int[][] references, double[] expected)
    {
        AssertClose(expected, Bleu.Average([hypothesis], references));
    }

    [Theory]
    [InlineData(1, 40, 4, 12, new[] { 0.9142045454545453, 0.8425006151505908, 0.7951999319884221, 0.6231028251978212, 0.4202121811538338 })]
    [InlineData(2, 30, 3, 3, new[] { 0.6333333333333333, 0.49657888653670085, 0.2620855804784822, 0.18080140544719195, 0.14544356012805543 })]
    [InlineData(3, 60, 30, 9, new[] { 0.7777116402116402, 0.34138057560453955, 0.14194416824687475, 0.09809297508010636, 0.08291446627000049 })]
    public void Average_over_a_corpus_with_empty_and_short_sentences_equals_nltk(int seed, int count, int vocabulary, int maximumLength,
        double[] expected)
    {
        List<int[]> hypotheses = Corpus(seed, count, vocabulary, maximumLength),
            references = Corpus(seed + 100, count + 7, vocabulary, maximumLength);
        AssertClose(expected, Bleu.Average(hypotheses, references));
        Assert.Equal(Bleu.Average(hypotheses, references, threads: 1), Bleu.Average(hypotheses, references, threads: 4));
    }

    [Theory]
    [InlineData(1, 40, 4, 12, new[] { 0.9157828282828282, 0.8378454595451238, 0.7988653919364983, 0.5628993693048425, 0.36435213987818527 })]
    [InlineData(2, 30, 3, 3, new[] { 0.6333333333333333, 0.46402337144348044, 0.2684645794379286, 0.18271476421355787, 0.1461669926325684 })]
    [InlineData(3, 60, 30, 9, new[] { 0.7659523809523809, 0.3389113935362626, 0.14682107000705827, 0.10036916246850199, 0.08393352738031565 })]
    public void Self_bleu_equals_nltk_with_each_sentence_left_out_of_its_references(int seed, int count, int vocabulary, int maximumLength,
        double[] expected)
    {
        AssertClose(expected, Bleu.AverageSelf(Corpus(seed, count, vocabulary, maximumLength)));
    }

    [Fact]
    public void Self_bleu_equals_bleu_against_the_corpus_rebuilt_without_the_sentence()
    {
        List<int[]> sentences = [.. Corpus(11, 25, 3, 7), [1, 1, 1, 1, 1, 1, 1, 1, 1], [2, 0, 2, 0, 2, 0], [2, 0, 2, 0, 2, 0]];
        double[] expected = new double[5];
        for (int left = 0; left < sentences.Count; left++)
        {
            double[] one = Bleu.Average([sentences[left]], [.. sentences.Where((_, index) => index != left)]);
            for (int order = 0; order < 5; order++)
            {
                expected[order] += one[order] / sentences.Count;
            }
        }

        AssertClose(expected, Bleu.AverageSelf(sentences));
    }

    [Fact]
    public void Bleu_of_a_thousand_real_captions_equals_nltk()
    {
        List<int[]> training = Captions("image_coco.txt"), test = Captions("image_coco_test.txt");
        // Printed by Benchmarks/Evaluation/nltk_bleu.py, which takes NLTK minutes.
        AssertClose([0.7041860341102456, 0.48216280496186015, 0.3060434994656225, 0.1975473572628191], Bleu.Average(training[..1000], test)[1..]);
        AssertClose([0.6693738762277914, 0.44355749554796636, 0.2752499217076817, 0.1827979378596768], Bleu.AverageSelf(training[..500])[1..]);
    }

    [Fact]
    public void Captions_with_their_words_shuffled_keep_their_unigrams_and_lose_bleu_4()
    {
        List<int[]> training = Captions("image_coco.txt")[..500], test = Captions("image_coco_test.txt");
        var random = new GumbelGan.Randomness.RandomStream(new GumbelGan.Randomness.RandomKey(5));
        List<int[]> shuffled = [.. training.Select(sentence => sentence.ToArray())];
        shuffled.ForEach(sentence => random.Shuffle<int>(sentence));
        double[] real = Bleu.Average(training, test), broken = Bleu.Average(shuffled, test);
        Assert.Equal(real[0], broken[0], 1e-12);
        Assert.True(broken[3] < 0.1 && real[3] > 0.25, $"{broken[3]} against {real[3]}");
    }

    [Fact]
    public void Nothing_to_compare_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Bleu.Average([], [[1]]));
        Assert.Throws<ArgumentException>(() => Bleu.Average([[1]], []));
        Assert.Throws<ArgumentException>(() => Bleu.AverageSelf([[1]]));
    }

    private static readonly TextSequences _captionIds = new(TextUnit.Word);

    internal static string CorpusFile(string name)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "shared", "corpora", name)))
        {
            folder = Path.GetDirectoryName(folder);
        }

        Assert.SkipWhen(folder is null, $"../shared/corpora/{name} is absent.");
        return Path.Combine(folder!, "shared", "corpora", name);
    }

    internal static List<int[]> Captions(string name)
    {
        lock (_captionIds)
        {
            return _captionIds.Read(File.ReadAllLines(CorpusFile(name)));
        }
    }

    /// <summary>The corpus that the golden script made: a linear congruential generator draws a length, then tokens.</summary>
    internal static List<int[]> Corpus(int seed, int count, int vocabulary, int maximumLength)
    {
        long state = seed;
        int Next()
        {
            state = ((state * 1103515245) + 12345) % 2147483648;
            return (int)(state >> 16);
        }

        var sentences = new List<int[]>();
        for (int sentence = 0; sentence < count; sentence++)
        {
            int[] tokens = new int[Next() % (maximumLength + 1)];
            for (int position = 0; position < tokens.Length; position++)
            {
                tokens[position] = Next() % vocabulary;
            }

            sentences.Add(tokens);
        }

        return sentences;
    }

    private static void AssertClose(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int order = 0; order < expected.Length; order++)
        {
            Assert.Equal(expected[order], actual[order], 1e-12);
        }
    }
}
