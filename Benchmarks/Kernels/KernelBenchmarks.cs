using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using GumbelGan.Kernels;
using GumbelGan.Randomness;

namespace GumbelGan.Benchmarks.Kernels;

/// <summary>The kernels at the sizes of case A: 64 x 20 rows of V = 5000, E = H = F = 32, on 1 and 2 threads.</summary>
[MinColumn, MedianColumn]
public unsafe class KernelBenchmarks
{
    private const int Batch = 64, Length = 20, Vocabulary = 5000, Hidden = 32, Filters = 64, Rows = Batch * Length;

    private readonly float* _hidden = Random(Batch * Hidden), _weight = Random(Vocabulary * Hidden), _bias = Random(Vocabulary);
    private readonly float* _generatorEmbedding = Random(Vocabulary * Hidden), _discriminatorEmbedding = Random(Vocabulary * Hidden);
    private readonly float* _generatorInput = Random(Batch * Hidden), _discriminatorInput = Random(Batch * Hidden),
        _gradient = Random(Batch * Hidden);
    private readonly float* _maxima = Random(Batch), _sums = Random(Batch), _hiddenGradient = Random(Batch * Hidden), _losses = Random(Rows);
    private readonly float* _weightGradient = Random(Vocabulary * Hidden), _biasGradient = Random(Vocabulary),
        _embeddingGradient = Random(Vocabulary * Hidden);
    private readonly float* _states = Random(Rows * Hidden), _statesGradient = Random(Rows * Hidden), _features = Random(Batch * 4 * Filters),
        _inputsGradient = Random(Rows * Hidden);
    private readonly int* _tokens = (int*)Random(Rows);
    private readonly RandomKey _key = new(1);
    private RowParallel _parallel = null!;
    private RelaxedVocabulary _vocabulary = null!;
    private VocabularyLikelihood _likelihood = null!;
    private FilterMaxima _filters = null!;
    private float* _kept;

    /// <summary>The number of threads.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    /// <summary>Starts the threads, packs the parameters, and does one step whose relaxed rows are kept.</summary>
    [GlobalSetup]
    public void Start()
    {
        _parallel = new RowParallel(Threads);
        _vocabulary = new RelaxedVocabulary(Vocabulary, Hidden, Hidden, Hidden, Batch);
        _kept = Random(_vocabulary.KeptLength);
        _vocabulary.PackGenerator(_parallel, _weight, _bias, _generatorEmbedding);
        _vocabulary.PackDiscriminator(_parallel, _discriminatorEmbedding);
        _vocabulary.Forward(_parallel, Step(_kept), _generatorInput, _discriminatorInput, null);
        new Span<int>(_tokens, Rows).Clear();
        _likelihood = new VocabularyLikelihood(Vocabulary, Hidden);
        _likelihood.Pack(_parallel, _weight, _bias);
        _filters = new FilterMaxima(_parallel, Batch, Length, Hidden, Filters, [2, 3, 4, 5]);
        new ReadOnlySpan<float>(_states, Rows * Hidden).CopyTo(new Span<float>(_filters.Inputs, Rows * Hidden));
        for (int width = 0; width < 4; width++)
        {
            _filters.Pack(width, _weight, _bias);
        }

        _filters.Forward(_features);
    }

    /// <summary>Ends the threads.</summary>
    [GlobalCleanup]
    public void Stop()
    {
        _vocabulary.Dispose();
        _likelihood.Dispose();
        _filters.Dispose();
        _parallel.Dispose();
        NativeMemory.AlignedFree(_kept);
    }

    /// <summary>Output layer, cross-entropy and all gradients of all rows.</summary>
    [Benchmark]
    public void Likelihood() => _likelihood.Forward(
        _parallel, _states, _tokens, _losses, Rows,
            new LikelihoodGradients { Scale = 1f / Rows, Hidden = _statesGradient, Weight = _weightGradient, Bias = _biasGradient });

    /// <summary>The CNN's filters of all sequences.</summary>
    [Benchmark]
    public void Filter() => _filters.Forward(_features);

    /// <summary>The gradient of their input.</summary>
    [Benchmark]
    public void FilterBackward() => _filters.Backward(_features, _inputsGradient, null, null);

    /// <summary>One step of the roll-out's vocabulary part.</summary>
    [Benchmark]
    public void VocabularyForward() => _vocabulary.Forward(_parallel, Step(null), _generatorInput, _discriminatorInput, null);

    /// <summary>Its gradient, the relaxed rows made again.</summary>
    [Benchmark]
    public void VocabularyBackward() => _vocabulary.Backward(_parallel, Step(null), Gradients());

    /// <summary>Its gradient, the relaxed rows kept.</summary>
    [Benchmark]
    public void VocabularyBackwardKept() => _vocabulary.Backward(_parallel, Step(_kept), Gradients());

    private static float* Random(nint count)
    {
        var random = new RandomStream(new RandomKey((ulong)count));
        float* values = (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), 64);
        for (nint i = 0; i < count; i++)
        {
            values[i] = (float)random.NextDouble() - 0.5f;
        }

        return values;
    }

    private RelaxedStep Step(float* kept) => new()
    {
        Hidden = _hidden,
        Rows = Batch,
        Temperature = 0.9f,
        Key = _key,
        Maxima = _maxima,
        Sums = _sums,
        Kept = kept,
    };

    private RelaxedGradients Gradients() => new()
    {
        GeneratorInput = _generatorInput,
        DiscriminatorInput = _discriminatorInput,
        GeneratorInputGradient = _gradient,
        DiscriminatorInputGradient = _gradient,
        Hidden = _hiddenGradient,
        Weight = _weightGradient,
        Bias = _biasGradient,
        GeneratorEmbedding = _embeddingGradient,
    };
}
