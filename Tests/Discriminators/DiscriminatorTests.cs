using GumbelGan.Discriminators;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Discriminators;

public sealed class DiscriminatorTests
{
    private const int Vocabulary = 9, Padding = 0;
    private static readonly long[] _ids = [3, 4, 5, 6, 2, 0, 7, 8, 2, 0, 0, 0, 1, 3, 5, 7, 8, 4];

    /// <summary>Every kind in the catalogue.</summary>
    public static TheoryData<string> Kinds => [.. DiscriminatorKind.All.Select(kind => kind.Name)];

    /// <summary>Small options of a kind; inside are hidden units, or filters of each width.</summary>
    internal static DiscriminatorOptions Options(string kind, int embedding, int inside, int[] widths, double dropout) =>
        DiscriminatorKind.All.Named(kind).NewOptions() switch
        {
            CnnDiscriminatorOptions cnn => cnn with { Embedding = embedding, Filters = inside, FilterWidths = widths, Dropout = dropout },
            LstmDiscriminatorOptions lstm => lstm with { Embedding = embedding, Hidden = inside, Dropout = dropout },
            MultiRepresentationDiscriminatorOptions several => several with
            {
                Embedding = embedding,
                Representations = embedding,
                Filters = inside,
                FilterWidths = widths,
                Dropout = dropout,
            },
            DiscriminatorOptions other => other.Sized(embedding, inside) with { Dropout = dropout },
        };

    private static Discriminator Create(string kind, double dropout = 0) =>
        Options(kind, 5, kind == "cnn" ? 4 : 6, [1, 2, 3], dropout).Create(Vocabulary, Padding, new RandomKey(3));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Ids_and_their_one_hots_have_the_same_scores(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create(kind);
        Tensor ids = tensor(_ids, [3, 6]);
        float[] direct = discriminator.Score(ids).data<float>().ToArray();
        float[] relaxed = discriminator.Score(nn.functional.one_hot(ids, Vocabulary).to(ScalarType.Float32),
            ids.ne(Padding).to(ScalarType.Float32)).data<float>().ToArray();
        Assert.Equal(3, direct.Distinct().Count());
        for (int i = 0; i < direct.Length; i++)
        {
            Assert.Equal(direct[i], relaxed[i], 1e-6f);
        }
    }

    [Theory]
    [InlineData("lstm", 7, 5, 3, 4, true)]
    [InlineData("lstm", 7, 5, 3, 4, false)]
    [InlineData("lstm", 40, 9, 16, 33, true)]
    [InlineData("lstm", 10, 3, 5, 190, true)]
    [InlineData("cnn", 7, 5, 3, 4, true)]
    [InlineData("cnn", 7, 5, 3, 4, false)]
    [InlineData("cnn", 41, 9, 16, 33, true)]
    [InlineData("cnn", 10, 5, 5, 190, true)]
    [InlineData("cnn", 1, 70, 32, 64, true)]
    public void Sequences_read_as_one_node_have_the_composed_scores_and_gradients(string kind, int batch, int time, int embedding, int hidden,
        bool trainable)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Options(kind, embedding, hidden, [1, 2, 5], 0.2).Create(Vocabulary, Padding, new RandomKey(3));
        discriminator.SetTrainable(trainable);
        discriminator.DropoutKey = new RandomKey(6);
        // Two batches that are both read before either goes back, with gaps anywhere in their masks.
        Tensor[] embedded =
            [randn([batch, time, embedding], generator: new Generator(1)), randn([batch, time, embedding], generator: new Generator(2))];
        Tensor[] masks = [.. embedded.Select(values => values.select(2, 0).gt(-0.5).to(ScalarType.Float32))];
        (float[] Scores, Dictionary<string, float[]> Gradients)[] runs = [.. new[] { true, false, false }.Select(Run)];
        foreach ((float[] scores, Dictionary<string, float[]> gradients) in runs[1..])
        {
            AssertClose(runs[0].Scores, scores, "scores");
            Assert.Equal(runs[0].Gradients.Keys, gradients.Keys);
            Assert.All(gradients, named => AssertClose(runs[0].Gradients[named.Key], named.Value, named.Key));
        }

        (float[] Scores, Dictionary<string, float[]> Gradients) Run(bool composed)
        {
            discriminator.zero_grad();
            discriminator.IsTwiceDifferentiable = composed;
            Tensor[] inputs = [.. embedded.Select(values => values.clone().requires_grad_())];
            Tensor[] scores = [.. inputs.Zip(masks, discriminator.ScoreEmbedded)];
            (scores[0].square().sum() + scores[1].sum()).backward();
            Dictionary<string, float[]> gradients = discriminator.named_parameters().Where(named => named.parameter.grad is not null)
                .ToDictionary(named => named.name, named => named.parameter.grad!.data<float>().ToArray());
            gradients["first input"] = inputs[0].grad!.data<float>().ToArray();
            gradients["second input"] = inputs[1].grad!.data<float>().ToArray();
            return (cat(scores).data<float>().ToArray(), gradients);
        }

        static void AssertClose(float[] expected, float[] found, string what)
        {
            float difference = expected.Zip(found, (a, b) => MathF.Abs(a - b)).Max();
            Assert.True(difference <= 1e-5f * expected.Max(MathF.Abs) + 1e-7f, $"{what}: differs by {difference}");
        }
    }

    [Fact]
    public void Places_that_share_a_filters_maximum_share_its_gradient_as_when_composed()
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create("cnn");
        Tensor ids = tensor([3L, 4, 3, 4, 3, 4, 5, 5, 5, 5, 5, 5, 2, 0, 0, 0, 0, 0], [3, 6]);
        float[][] gradients = [.. new[] { true, false }.Select(composed =>
        {
            discriminator.IsTwiceDifferentiable = composed;
            Tensor relaxed = nn.functional.one_hot(ids, Vocabulary).to(ScalarType.Float32).requires_grad_();
            discriminator.Score(relaxed, ids.ne(Padding).to(ScalarType.Float32)).sum().backward();
            return relaxed.grad!.data<float>().ToArray();
        })];
        // The second row is one token over and over: every place matters alike, but for the filters that would reach beyond the ends.
        Assert.True(gradients[0][(6 + 2) * Vocabulary + 5] != 0);
        Assert.All(gradients[0].Zip(gradients[1]), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_stands_after_the_end_does_not_matter(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create(kind);
        Tensor embedded = randn([2, 6, 5], generator: new Generator(1)), mask = tensor([1f, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0], [2, 6]);
        Tensor disturbed = embedded + randn([2, 6, 5], generator: new Generator(2)) * (1 - mask).unsqueeze(2) * 100;
        Assert.Equal(discriminator.ScoreEmbedded(embedded, mask).data<float>().ToArray(),
            discriminator.ScoreEmbedded(disturbed, mask).data<float>().ToArray());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_is_no_number_reaches_the_score_of_its_own_sequence_and_no_other(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create(kind);
        foreach (int place in new[] { 0, 3, 5 })
        {
            float[] values = randn([2, 6, 5], generator: new Generator(1)).data<float>().ToArray();
            values[place * 5 + 2] = float.NaN;
            float[] scores = discriminator.ScoreEmbedded(tensor(values, [2, 6, 5]), ones([2, 6])).data<float>().ToArray();
            Assert.Equal([true, false], scores.Select(float.IsNaN));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_longer_padded_batch_gives_the_same_scores(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create(kind);
        Tensor ids = tensor(_ids, [3, 6]), longer = cat([ids, zeros([3, 4], ScalarType.Int64)], 1);
        float[] expected = discriminator.Score(ids).data<float>().ToArray(), found = discriminator.Score(longer).data<float>().ToArray();
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], found[i], 1e-6f);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_gradient_with_respect_to_the_input_equals_finite_differences(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create(kind);
        Tensor mask = tensor([1f, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0], [2, 6]);
        float[] start = rand([2, 6, Vocabulary], generator: new Generator(5)).data<float>().ToArray();
        Tensor relaxed = tensor(start, [2, 6, Vocabulary], requires_grad: true);
        discriminator.Score(relaxed, mask).sum().backward();
        float[] gradient = relaxed.grad!.data<float>().ToArray();
        int kinks = 0;
        for (int i = 0; i < start.Length; i += 7)
        {
            const float Step = 5e-3f;
            double here = At(i, 0), above = (At(i, Step) - here) / Step, below = (here - At(i, -Step)) / Step;
            if (Math.Abs(above - below) > 5e-3)
            {
                // A rectifier opens or another window becomes the largest within the step.
                kinks++;
                continue;
            }

            double numeric = (above + below) / 2;
            Assert.True(Math.Abs(numeric - gradient[i]) < 2e-3 + 0.02 * Math.Abs(numeric), $"[{i}]: {gradient[i]} against {numeric}");
        }

        Assert.InRange(kinks, 0, 3);

        double At(int index, float by)
        {
            float[] moved = [.. start];
            moved[index] += by;
            return discriminator.Score(tensor(moved, [2, 6, Vocabulary]), mask).sum().item<float>();
        }
    }

    [Fact]
    public void The_cnn_equals_a_convolution_done_by_hand()
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create("cnn");
        Dictionary<string,
            float[]> weights = discriminator.named_parameters().ToDictionary(named => named.name, named => named.parameter.data<float>().ToArray());
        long[] sentence = [3, 4, 5, 2];
        double score = weights["output.bias"][0];
        int feature = 0;
        foreach (int width in (int[])[1, 2, 3])
        {
            for (int filter = 0; filter < 4; filter++)
            {
                double best = 0;
                for (int place = 0; place + width <= sentence.Length; place++)
                {
                    double sum = weights[$"convolution{width}.bias"][filter];
                    for (int offset = 0; offset < width; offset++)
                    {
                        for (int channel = 0; channel < 5; channel++)
                        {
                            sum += weights["embedding.weight"][(int)sentence[place + offset] * 5 + channel]
                                * weights[$"convolution{width}.weight"][(filter * 5 + channel) * width + offset];
                        }
                    }

                    best = Math.Max(best, sum);
                }

                score += best * weights["output.weight"][feature++];
            }
        }

        Assert.Equal(score, discriminator.Score(tensor(sentence, [1, 4])).item<float>(), 1e-5);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Dropout_is_on_only_with_a_key_and_the_same_key_drops_the_same(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create(kind, dropout: 0.5);
        Tensor ids = tensor(_ids, [3, 6]);
        float[] still = discriminator.Score(ids).data<float>().ToArray();
        discriminator.DropoutKey = new RandomKey(1);
        float[] dropped = discriminator.Score(ids).data<float>().ToArray();
        Assert.NotEqual(still, dropped);
        Assert.Equal(dropped, discriminator.Score(ids).data<float>().ToArray());
        discriminator.DropoutKey = null;
        Assert.Equal(still, discriminator.Score(ids).data<float>().ToArray());
    }

    [Fact]
    public void A_frozen_discriminator_passes_gradients_on_without_keeping_any()
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create("lstm");
        discriminator.SetTrainable(false);
        Tensor relaxed = rand([2, 6, Vocabulary], generator: new Generator(5)).requires_grad_();
        discriminator.Score(relaxed, ones([2, 6])).sum().backward();
        Assert.True(relaxed.grad!.abs().sum().item<float>() > 0);
        Assert.All(discriminator.parameters(), (Parameter parameter) => Assert.Null(parameter.grad));
    }
}
