using GumbelGan.Engine;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>
/// Scores sequences: the higher, the more real. Ids and relaxed samples are scored by the same weights, since looking up an id's embedding is
/// multiplying its one-hot by the embedding matrix.
/// </summary>
/// <remarks>
/// B batch, T time, V vocabulary, E embedding, R representations. A score is a logit, not a probability. A discriminator may look at a sequence in
/// R ways and give a score for each; a game's losses are means over all of them, and whoever wants one number a sequence gets their mean.
/// <para>
/// With <see cref="DiscriminatorOptions.SpectralNorm"/> every parameter of two or more dimensions is used as W / sigma(W)
/// (<see cref="SpectralNorm"/>): filters, highway, hidden and output layers, the matrices of an LSTM, and the embedding. The paper normalises every
/// layer, and here the embedding is the first one: what comes in are one-hots, and mixtures of them. Left free it would grow instead of the others,
/// and no bound on them would bound the slope of the score. Its price: the table of a large vocabulary has a large sigma, and each word's vector
/// becomes short (about sqrt(E / V) at first). Biases move scores and stretch nothing, so they are left alone, as in the paper.
/// </para>
/// </remarks>
public abstract class Discriminator : nn.Module
{
    /// <summary>The parameter's name of <see cref="EmbeddingTable"/>.</summary>
    protected const string EmbeddingName = "embedding.weight";

    private readonly Embedding embedding;
    private readonly SpectralNorm? spectral;
    private Parameter[]? _learned;

    /// <summary>
    /// For derived classes, which call <c>RegisterComponents</c> and then <see cref="Initialise"/> at the end of their constructors.
    /// </summary>
    protected Discriminator(string name, DiscriminatorOptions options, int vocabulary, int? paddingId)
        : base(name)
    {
        Options = options;
        PaddingId = paddingId;
        embedding = nn.Embedding(vocabulary, options.Embedding);
        spectral = options.SpectralNorm ? new SpectralNorm() : null;
    }

    /// <summary>The sizes it was built with.</summary>
    public DiscriminatorOptions Options { get; }

    /// <summary>The id that fills places after the end; null where there is none.</summary>
    public int? PaddingId { get; }

    /// <summary>The least T that can be scored.</summary>
    public virtual int MinimumTime => 1;

    /// <summary>
    /// The embedding matrix [V, E] as scores use it; whoever multiplies relaxed samples by it may call <see cref="ScoresEmbedded"/> directly.
    /// </summary>
    public Tensor EmbeddingTable => Matrix(EmbeddingName, embedding.weight!);

    /// <summary>Keys the dropout of the next forward passes; null leaves dropout off, as at evaluation.</summary>
    public RandomKey? DropoutKey { get; set; }

    /// <summary>Whether the scores' gradients can be differentiated again, as a gradient penalty needs; slower where they can.</summary>
    public bool IsTwiceDifferentiable { get; set; }

    /// <summary>R, how many scores a sequence gets.</summary>
    public virtual int Representations => 1;

    /// <summary>Scores of real or hard sequences.</summary>
    /// <param name="ids">[B, T] of int64.</param>
    /// <returns>[B, R].</returns>
    public Tensor Scores(Tensor ids) => ScoresEmbedded(Embed(ids), Mask(ids));

    /// <summary>Hard sequences as <see cref="ScoresEmbedded"/> reads them.</summary>
    /// <param name="ids">[B, T] of int64.</param>
    /// <returns>[B, T, E].</returns>
    public Tensor Embed(Tensor ids) =>
        spectral is null ? embedding.call(ids) : embedding.call(ids) / spectral.Sigma(EmbeddingName, embedding.weight!);

    /// <summary>Which places are tokens.</summary>
    /// <param name="ids">[B, T] of int64.</param>
    /// <returns>[B, T] of float32: 1 for tokens, 0 for padding.</returns>
    public Tensor Mask(Tensor ids) =>
        PaddingId is { } padding ? ids.ne(padding).to(ScalarType.Float32) : ones(ids.shape, device: ids.device);

    /// <summary>One score for each real or hard sequence.</summary>
    /// <param name="ids">[B, T] of int64.</param>
    /// <returns>[B].</returns>
    public Tensor Score(Tensor ids) => OneEach(Scores(ids));

    /// <summary>One score for each relaxed sequence, through which gradients flow.</summary>
    /// <param name="relaxed">[B, T, V].</param>
    /// <param name="mask">[B, T] of float32: 1 for tokens, 0 after the end.</param>
    /// <returns>[B].</returns>
    public Tensor Score(Tensor relaxed, Tensor mask) => ScoreEmbedded(nn.functional.linear(relaxed, EmbeddingTable.t()), mask);

    /// <summary>One score for each sequence already multiplied by <see cref="EmbeddingTable"/>.</summary>
    /// <param name="embedded">[B, T, E].</param>
    /// <param name="mask">See <see cref="ScoresEmbedded"/>.</param>
    /// <returns>[B].</returns>
    public Tensor ScoreEmbedded(Tensor embedded, Tensor mask) => OneEach(ScoresEmbedded(embedded, mask));

    /// <summary>Scores of sequences already multiplied by <see cref="EmbeddingTable"/>.</summary>
    /// <param name="embedded">[B, T, E].</param>
    /// <param name="mask">
    /// [B, T] of float32: 1 for tokens, 0 after the end; what stands at a 0 does not matter. Or weights that fall from place to place, the
    /// probability that the sequence reaches each (<see cref="IsGraded"/>); where these are 0 and 1, the score is that of the mask.
    /// </param>
    /// <returns>[B, R].</returns>
    public abstract Tensor ScoresEmbedded(Tensor embedded, Tensor mask);

    /// <summary>
    /// Whether a mask holds weights: it carries a gradient, or some of it is neither 0 nor 1. Such are read by plain tensor operations.
    /// </summary>
    protected static bool IsGraded(Tensor mask)
    {
        if (mask.requires_grad)
        {
            return true;
        }

        using DisposeScope scope = NewDisposeScope();
        return mask.device.type == DeviceType.CPU
            ? TensorMemory.Numbers(mask.contiguous()).IndexOfAnyExcept(0, 1) >= 0
            : mask.gt(0).logical_and(mask.lt(1)).any().item<bool>();
    }

    /// <summary>
    /// The gradient of each score with respect to its own embedded sequence, dropout off: what a gradient penalty reads. It can be differentiated
    /// again, with respect to the weights and to <paramref name="embedded"/>. A kind that knows a shorter way than two backward passes overrides it.
    /// </summary>
    /// <param name="embedded">[B, T, E].</param>
    /// <param name="mask">[B, T] of float32.</param>
    /// <returns>[B, T, E].</returns>
    public virtual Tensor ScoreGradient(Tensor embedded, Tensor mask)
    {
        bool was = IsTwiceDifferentiable;
        IsTwiceDifferentiable = true;
        Tensor points = embedded.requires_grad ? embedded : embedded.detach().requires_grad_();
        Tensor score = ScoreEmbedded(points, mask); // [B]
        IsTwiceDifferentiable = was;
        return autograd.grad([score.sum()], [points], retain_graph: true, create_graph: true)[0];
    }

    /// <summary>Lets gradients reach the weights, or not (a generator's step passes through a frozen discriminator).</summary>
    public void SetTrainable(bool trainable)
    {
        foreach (Parameter parameter in _learned ??= [.. parameters()])
        {
            parameter.requires_grad = trainable;
        }
    }

    /// <summary>Draws every weight anew, on whatever device it is.</summary>
    public void Initialise(RandomKey key)
    {
        using IDisposable off = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, Parameter parameter) in named_parameters())
        {
            Tensor drawn = empty(parameter.shape);
            Draw(key.Derive(name), name, TensorMemory.Numbers(drawn));
            parameter.copy_(drawn);
            if (spectral is not null && IsMatrix(parameter))
            {
                spectral.Begin(name, parameter, key.Derive(name).Derive("singular vector"));
            }
        }
    }

    /// <summary>
    /// Brings every singular vector one power iteration nearer, where there are any: once before each update of the weights, and at no other time, so
    /// that all passes between two updates use the same vectors.
    /// </summary>
    public void IteratePower()
    {
        foreach ((string name, Parameter parameter) in Normalised)
        {
            spectral!.Iterate(name, parameter);
        }
    }

    /// <summary>The singular vectors, which checkpoints hold beside the weights: weight_u of [out] for each weight; none without them.</summary>
    public IEnumerable<(string Name, Tensor Value)> SingularVectors =>
        Normalised.Select(matrix => ($"{matrix.Name}_u", spectral!.Vector(matrix.Name)));

    /// <summary>The normalised matrices as scores use them, [out, in] each; none where nothing is normalised.</summary>
    public IEnumerable<(string Name, Tensor Value)> NormalisedMatrices =>
        Normalised.Select(matrix => (matrix.Name, Matrix(matrix.Name, matrix.Weight).view(matrix.Weight.shape[0], -1)));

    private IEnumerable<(string Name, Parameter Weight)> Normalised =>
        spectral is null ? [] : named_parameters().Where(named => IsMatrix(named.parameter));

    /// <summary>
    /// A weight matrix as scores are to use it: divided by its largest singular value where options say so, else as it is. A kind asks here for each
    /// of its own.
    /// </summary>
    /// <param name="name">The parameter's, in files.</param>
    /// <param name="weight">The parameter, of two or more dimensions.</param>
    protected Tensor Matrix(string name, Tensor weight) => spectral is null ? weight : weight / spectral.Sigma(name, weight);

    /// <summary>What a linear layer makes of its input, its weight being <see cref="Matrix"/>.</summary>
    /// <param name="name">The layer's, in files.</param>
    /// <param name="layer">With a bias or without.</param>
    /// <param name="input">[..., in].</param>
    /// <returns>[..., out].</returns>
    protected Tensor Call(string name, Linear layer, Tensor input) =>
        spectral is null ? layer.call(input) : nn.functional.linear(input, Matrix($"{name}.weight", layer.weight!), layer.bias);

    /// <summary>Draws one weight: embedding N(0, 1), the rest uniform in +-1/sqrt(fan-in), as PyTorch's layers do.</summary>
    /// <param name="key">The weight's own.</param>
    /// <param name="name">Of the parameter.</param>
    /// <param name="weight">Its numbers.</param>
    protected virtual void Draw(RandomKey key, string name, Span<float> weight)
    {
        if (name == EmbeddingName)
        {
            RandomFill.Normal(key, weight);
        }
        else
        {
            float bound = 1 / MathF.Sqrt(FanIn(name));
            RandomFill.Uniform(key, -bound, bound, weight);
        }
    }

    /// <summary>Inputs of the layer that owns parameter <paramref name="parameterName"/>, which is not the embedding.</summary>
    protected abstract int FanIn(string parameterName);

    private static bool IsMatrix(Tensor parameter) => parameter.dim() > 1;

    private static Tensor OneEach(Tensor scores) => scores.shape[1] == 1 ? scores.squeeze(1) : scores.mean([1]); // [B]

    /// <summary>Drops features at random and scales the rest up, where <see cref="DropoutKey"/> is set.</summary>
    protected Tensor Dropout(Tensor features) => DropoutFactors(features) is { } factors ? features * factors : features;

    /// <summary>What <see cref="Dropout"/> multiplies features by; null where nothing is dropped.</summary>
    protected Tensor? DropoutFactors(Tensor features)
    {
        if (DropoutKey is not { } key || Options.Dropout == 0)
        {
            return null;
        }

        Tensor factors = empty(features.shape);
        int count = (int)factors.numel();
        RowParallel.Shared(get_num_threads()).For((count + RandomFill.Part - 1) / RandomFill.Part, 1, (first, end) =>
        {
            int start = first * RandomFill.Part;
            RandomFill.Dropout(key, Options.Dropout, TensorMemory.Numbers(factors)[start..Math.Min(count, end * RandomFill.Part)],
                key.FirstRow(count) + (ulong)start);
        });
        return factors.to(features.device);
    }
}
