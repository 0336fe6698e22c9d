using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using GumbelGan.Randomness;
using static GumbelGan.Generators.Kernels.VectorFunctions;

namespace GumbelGan.Generators.Kernels;

/// <summary>
/// From hidden states to relaxed token embeddings without the relaxed tokens: y = softmax((h W' + b + g) / temperature) is taken piece by
/// piece of the vocabulary, multiplied by up to two embedding matrices while it is in cache, and forgotten; the backward pass makes each
/// piece again from the counter-based noise. Nothing of size [N, V] ever exists.
/// </summary>
/// <remarks>
/// <para>N rows (batch), V vocabulary, H hidden, E the generator's embedding width, F the discriminator's. It is attention with noise, and
/// the running maximum and sum are those of Milakov and Gimelshein 2018 and of FlashAttention (Dao et al. 2022), per piece instead of per tile.</para>
/// <para>Pieces, blocks and the order in which their sums meet depend on the sizes alone: the numbers do not change with the threads.</para>
/// </remarks>
public sealed unsafe class RelaxedVocabulary : IDisposable
{
    // A piece of the vocabulary for some rows, 24 x 384 floats, leaves a quarter of a 48 KB first-level cache to what streams past it.
    private const int PieceColumns = 384, ForwardRows = 24;
    // Backward keeps two matrices, y and its gradient, of 32 x 128.
    private const int SlabColumns = 128, BackwardRows = 32;
    private const int Tile = GumbelNoise.TileColumns;

    private readonly int _vocabulary, _hidden, _generatorWidth, _discriminatorWidth, _maximumRows, _pieces;
    // Weights by tiles of 64 tokens, transposed: [V / 64][width][64], zeros beyond V; the bias is minus infinity there.
    private readonly float* _weightTiles, _generatorTiles, _discriminatorTiles, _bias;
    // For each piece: [N, E] and [N, F] of unnormalised sums, [N] maxima, sums; backward [N, H].
    private readonly float* _generatorSums, _discriminatorSums, _maxima, _sums, _hiddenSums, _centres;
    private readonly int* _tokens;
    private float* _weight, _generatorEmbedding, _discriminatorEmbedding;
    private bool _disposed;

    /// <summary>Sets the memory aside, once for all steps.</summary>
    /// <param name="vocabulary">V.</param>
    /// <param name="hidden">H.</param>
    /// <param name="generatorWidth">E; 0 where the generator is not fed the relaxed token.</param>
    /// <param name="discriminatorWidth">F; 0 where no discriminator reads it.</param>
    /// <param name="maximumRows">The largest N to come.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or a width negative.</exception>
    public RelaxedVocabulary(int vocabulary, int hidden, int generatorWidth, int discriminatorWidth, int maximumRows)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabulary);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hidden);
        ArgumentOutOfRangeException.ThrowIfNegative(generatorWidth);
        ArgumentOutOfRangeException.ThrowIfNegative(discriminatorWidth);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumRows);
        (_vocabulary, _hidden, _generatorWidth, _discriminatorWidth) = (vocabulary, hidden, generatorWidth, discriminatorWidth);
        _maximumRows = maximumRows;
        _pieces = (vocabulary + PieceColumns - 1) / PieceColumns;
        nint padded = (nint)_pieces * PieceColumns, partialRows = (nint)_pieces * maximumRows;
        _weightTiles = Allocate(padded * hidden);
        _generatorTiles = Allocate(padded * generatorWidth);
        _discriminatorTiles = Allocate(padded * discriminatorWidth);
        _bias = Allocate(padded);
        _generatorSums = Allocate(partialRows * generatorWidth);
        _discriminatorSums = Allocate(partialRows * discriminatorWidth);
        _hiddenSums = Allocate(partialRows * hidden);
        _maxima = Allocate(partialRows);
        _sums = Allocate(partialRows);
        _centres = Allocate(maximumRows);
        _tokens = (int*)Allocate(partialRows);
        new Span<float>(_bias, (int)padded).Fill(float.NegativeInfinity);
    }

    /// <summary>Frees the memory, if <see cref="Dispose"/> was forgotten.</summary>
    ~RelaxedVocabulary() => Free();

    /// <summary>
    /// Takes the parameters in the layout that the products want; to be called again whenever their values have changed. The matrices
    /// themselves are read later too and must stay where they are.
    /// </summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="weight">[V, H], W.</param>
    /// <param name="bias">[V], b; or null for zeros.</param>
    /// <param name="generatorEmbedding">[V, E]; null where E is 0.</param>
    /// <param name="discriminatorEmbedding">[V, F]; null where F is 0.</param>
    public void Pack(RowParallel parallel, float* weight, float* bias, float* generatorEmbedding, float* discriminatorEmbedding)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        ObjectDisposedException.ThrowIf(_disposed, this);
        _weight = weight;
        _generatorEmbedding = generatorEmbedding;
        _discriminatorEmbedding = discriminatorEmbedding;
        parallel.For((_vocabulary + Tile - 1) / Tile, 4, (first, end) =>
        {
            for (int tile = first; tile < end; tile++)
            {
                nint token = (nint)tile * Tile;
                int count = (int)Math.Min(Tile, _vocabulary - token);
                MatrixKernel.Transpose(weight + (token * _hidden), count, _hidden, _weightTiles + (token * _hidden), Tile);
                MatrixKernel.Transpose(
                    generatorEmbedding + (token * _generatorWidth), count, _generatorWidth, _generatorTiles + (token * _generatorWidth), Tile);
                MatrixKernel.Transpose(discriminatorEmbedding + (token * _discriminatorWidth), count, _discriminatorWidth,
                    _discriminatorTiles + (token * _discriminatorWidth), Tile);
            }
        });
        var biases = new Span<float>(_bias, _vocabulary);
        if (bias == null)
        {
            biases.Clear();
        }
        else
        {
            new ReadOnlySpan<float>(bias, _vocabulary).CopyTo(biases);
        }
    }

    /// <summary>One step's relaxed embeddings.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="hidden">[N, H], h.</param>
    /// <param name="rows">N.</param>
    /// <param name="temperature">Above zero.</param>
    /// <param name="stepKey">The noise of this step, or null for none; row r of the batch takes row r of <see cref="GumbelNoise"/>.</param>
    /// <param name="generatorInput">[N, E], receives y times the generator's embedding; null where E is 0.</param>
    /// <param name="discriminatorInput">[N, F], receives y times the discriminator's embedding; null where F is 0.</param>
    /// <param name="maxima">[N], receives the largest logit plus noise, for the backward pass.</param>
    /// <param name="sums">[N], receives the sum of exponentials of the rest, for the backward pass.</param>
    /// <param name="tokens">[N], receives the column of the largest y; or null.</param>
    /// <exception cref="ArgumentException">More rows than announced, or a temperature that is not positive.</exception>
    public void Forward(
        RowParallel parallel, float* hidden, int rows, float temperature, RandomKey? stepKey, float* generatorInput, float* discriminatorInput,
        float* maxima, float* sums, int* tokens)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(rows, temperature);
        float rate = BinaryLogarithmOfE / temperature;
        int blocks = (rows + ForwardRows - 1) / ForwardRows;
        parallel.For(_pieces * blocks, 1, (first, end) =>
        {
            for (int task = first; task < end; task++)
            {
                ForwardPiece(task / blocks, task % blocks * ForwardRows, rows, hidden, rate, stepKey);
            }
        });

        for (int row = 0; row < rows; row++)
        {
            Merge(row, rate, maxima, sums, tokens);
            Combine(_generatorSums, _generatorWidth, row, maxima[row], sums[row], rate, generatorInput);
            Combine(_discriminatorSums, _discriminatorWidth, row, maxima[row], sums[row], rate, discriminatorInput);
        }
    }

    /// <summary>The gradients of one step; those of the parameters are added to what is there.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="hidden">[N, H], as in the forward pass.</param>
    /// <param name="rows">N.</param>
    /// <param name="temperature">That of the forward pass.</param>
    /// <param name="stepKey">That of the forward pass.</param>
    /// <param name="maxima">[N], from the forward pass.</param>
    /// <param name="sums">[N], from the forward pass.</param>
    /// <param name="generatorInput">[N, E], from the forward pass: the soft one, also under straight-through.</param>
    /// <param name="discriminatorInput">[N, F], from the forward pass.</param>
    /// <param name="generatorInputGradient">[N, E], or null for zeros.</param>
    /// <param name="discriminatorInputGradient">[N, F], or null for zeros.</param>
    /// <param name="finished">[N], nonzero for rows whose token was fixed, which pass no gradient; or null.</param>
    /// <param name="hiddenGradient">[N, H], receives the gradient; null where only those of the embeddings are wanted.</param>
    /// <param name="weightGradient">[V, H], added to; or null.</param>
    /// <param name="biasGradient">[V], added to; or null.</param>
    /// <param name="generatorEmbeddingGradient">[V, E], added to; or null.</param>
    /// <param name="discriminatorEmbeddingGradient">[V, F], added to; or null.</param>
    /// <exception cref="ArgumentException">More rows than announced, or a temperature that is not positive.</exception>
    public void Backward(
        RowParallel parallel, float* hidden, int rows, float temperature, RandomKey? stepKey, float* maxima, float* sums, float* generatorInput,
        float* discriminatorInput, float* generatorInputGradient, float* discriminatorInputGradient, byte* finished, float* hiddenGradient,
        float* weightGradient, float* biasGradient, float* generatorEmbeddingGradient, float* discriminatorEmbeddingGradient)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(rows, temperature);
        for (int row = 0; row < rows; row++)
        {
            // (dy . y) of a row, without y: it is the product of the embedded row with its own gradient.
            _centres[row] = Product(generatorInput, generatorInputGradient, row, _generatorWidth)
                + Product(discriminatorInput, discriminatorInputGradient, row, _discriminatorWidth);
        }

        var job = new BackwardJob(
            hidden, rows, temperature, stepKey, maxima, sums, generatorInputGradient, discriminatorInputGradient, finished,
            hiddenGradient != null && (generatorInputGradient != null || discriminatorInputGradient != null), weightGradient, biasGradient, generatorEmbeddingGradient,
            discriminatorEmbeddingGradient);
        parallel.For(_pieces, 1, (first, end) =>
        {
            for (int piece = first; piece < end; piece++)
            {
                BackwardPiece(piece, job);
            }
        });

        if (hiddenGradient != null)
        {
            int length = rows * _hidden;
            for (int start = 0; start < length; start += Lanes)
            {
                int count = Math.Min(Lanes, length - start);
                Vector512<float> total = Vector512<float>.Zero;
                for (int piece = 0; job.ThroughLogits && piece < _pieces; piece++)
                {
                    total += Load(_hiddenSums + ((nint)piece * _maximumRows * _hidden) + start, count);
                }

                Store(total, hiddenGradient + start, count);
            }
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ForwardPiece(int piece, int firstRow, int allRows, float* hidden, float rate, RandomKey? stepKey)
    {
        float* memory = stackalloc float[((ForwardRows + 1) * PieceColumns) + Lanes];
        float* noise = Align(memory), y = noise + PieceColumns;
        int firstToken = piece * PieceColumns, count = Math.Min(PieceColumns, _vocabulary - firstToken), rows = Math.Min(ForwardRows, allRows - firstRow);
        int columns = Tiles(count) * Tile;
        hidden += (nint)firstRow * _hidden;
        for (int column = 0; column < columns; column += Tile)
        {
            MatrixKernel.Multiply(hidden, _hidden, 1, _weightTiles + ((nint)(firstToken + column) * _hidden), Tile,
                y + column, PieceColumns, rows, Tile, _hidden, accumulate: false);
        }

        nint partial = ((nint)piece * _maximumRows) + firstRow;
        for (int row = 0; row < rows; row++)
        {
            float* values = y + (row * PieceColumns);
            float largest = AddBiasAndNoise(values, _bias + firstToken, noise, columns, firstToken, stepKey, (ulong)(firstRow + row));
            _maxima[partial + row] = largest;
            _tokens[partial + row] = firstToken + GumbelSoftmaxKernel.IndexOf(values, columns, largest);
            // A piece of nothing but forbidden tokens must give zeros, not the NaN of infinity minus infinity.
            float shift = largest > float.NegativeInfinity ? largest : 0f;
            _sums[partial + row] = GumbelSoftmaxKernel.Exponentials(values, values, columns, shift, rate);
        }

        MatrixKernel.Multiply(y, PieceColumns, 1, _generatorEmbedding + ((nint)firstToken * _generatorWidth), _generatorWidth,
            _generatorSums + (partial * _generatorWidth), _generatorWidth, rows, _generatorWidth, count, accumulate: false);
        MatrixKernel.Multiply(y, PieceColumns, 1, _discriminatorEmbedding + ((nint)firstToken * _discriminatorWidth), _discriminatorWidth,
            _discriminatorSums + (partial * _discriminatorWidth), _discriminatorWidth, rows, _discriminatorWidth, count, accumulate: false);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float AddBiasAndNoise(float* values, float* bias, float* noise, int columns, int firstToken, RandomKey? stepKey, ulong row)
    {
        Vector512<float> maximum = Vector512.Create(float.NegativeInfinity);
        if (stepKey is { } key)
        {
            // An even number of tiles: VectorPhilox draws them in pairs.
            GumbelNoise.FillExponential(key.Value, (ulong)(firstToken / Tile), row, noise, ((columns / Tile) + 1) & ~1);
            for (int column = 0; column < columns; column += 2 * Lanes)
            {
                Vector512<float> a = Vector512.Load(values + column) + Vector512.Load(bias + column), b = Vector512.Load(values + column + Lanes);
                b += Vector512.Load(bias + column + Lanes);
                a += GumbelNoise.NegativeLogarithm(Vector512.Load(noise + column));
                b += GumbelNoise.NegativeLogarithm(Vector512.Load(noise + column + Lanes));
                a.Store(values + column);
                b.Store(values + column + Lanes);
                maximum = Vector512.MaxNative(maximum, Vector512.MaxNative(a, b));
            }
        }
        else
        {
            for (int column = 0; column < columns; column += Lanes)
            {
                Vector512<float> a = Vector512.Load(values + column) + Vector512.Load(bias + column);
                a.Store(values + column);
                maximum = Vector512.MaxNative(maximum, a);
            }
        }

        return Maximum(maximum);
    }

    // The row's maximum, sum and token from those of its pieces.
    private void Merge(int row, float rate, float* maxima, float* sums, int* tokens)
    {
        float largest = float.NegativeInfinity;
        int token = 0;
        for (int piece = 0; piece < _pieces; piece++)
        {
            nint partial = ((nint)piece * _maximumRows) + row;
            if (_maxima[partial] > largest)
            {
                (largest, token) = (_maxima[partial], _tokens[partial]);
            }
        }

        double sum = 0;
        for (int piece = 0; piece < _pieces; piece++)
        {
            nint partial = ((nint)piece * _maximumRows) + row;
            sum += _sums[partial] * (double)Weight(_maxima[partial], largest, rate);
        }

        (maxima[row], sums[row]) = (largest, (float)sum);
        if (tokens != null)
        {
            tokens[row] = token;
        }
    }

    private void Combine(float* partials, int width, int row, float largest, float sum, float rate, float* destination)
    {
        for (int column = 0; column < width; column += Lanes)
        {
            int count = Math.Min(Lanes, width - column);
            Vector512<float> total = Vector512<float>.Zero;
            for (int piece = 0; piece < _pieces; piece++)
            {
                nint partial = ((nint)piece * _maximumRows) + row;
                float weight = Weight(_maxima[partial], largest, rate) / sum;
                total = Vector512.FusedMultiplyAdd(Load(partials + (partial * width) + column, count), Vector512.Create(weight), total);
            }

            Store(total, destination + ((nint)row * width) + column, count);
        }
    }

    private static float Weight(float maximum, float largest, float rate) => PowerOfTwo(Vector512.Create((maximum - largest) * rate))[0];

    private static float Product(float* values, float* gradient, int row, int width)
    {
        if (gradient == null || width == 0)
        {
            return 0f;
        }

        Vector512<float> sum = Vector512<float>.Zero;
        nint offset = (nint)row * width;
        for (int column = 0; column < width; column += Lanes)
        {
            int count = Math.Min(Lanes, width - column);
            sum = Vector512.FusedMultiplyAdd(Load(values + offset + column, count), Load(gradient + offset + column, count), sum);
        }

        return Sum(sum);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void BackwardPiece(int piece, BackwardJob job)
    {
        float* memory = stackalloc float[(((2 * BackwardRows) + 1) * SlabColumns) + Lanes];
        float* noise = Align(memory), y = noise + SlabColumns, dy = y + (BackwardRows * SlabColumns);
        int pieceEnd = Math.Min(_vocabulary, (piece + 1) * PieceColumns);
        for (int firstToken = piece * PieceColumns; firstToken < pieceEnd; firstToken += SlabColumns)
        {
            int count = Math.Min(SlabColumns, pieceEnd - firstToken), columns = Tiles(count) * Tile;
            for (int firstRow = 0; firstRow < job.Rows; firstRow += BackwardRows)
            {
                int rows = Math.Min(BackwardRows, job.Rows - firstRow);
                float* hidden = job.Hidden + ((nint)firstRow * _hidden);
                float* generatorGradient = Rows(job.GeneratorInputGradient, firstRow, _generatorWidth);
                float* discriminatorGradient = Rows(job.DiscriminatorInputGradient, firstRow, _discriminatorWidth);
                for (int column = 0; column < columns; column += Tile)
                {
                    nint token = firstToken + column;
                    MatrixKernel.Multiply(
                        hidden, _hidden, 1, _weightTiles + (token * _hidden), Tile, y + column, SlabColumns, rows, Tile, _hidden, accumulate: false);
                    if (job.ThroughLogits)
                    {
                        MultiplyGradient(generatorGradient, _generatorTiles, _generatorWidth, token, dy + column, rows, accumulate: false);
                        MultiplyGradient(discriminatorGradient, _discriminatorTiles, _discriminatorWidth, token, dy + column, rows,
                            accumulate: generatorGradient != null);
                    }
                }

                for (int row = 0; row < rows; row++)
                {
                    BackwardRow(y + (row * SlabColumns), dy + (row * SlabColumns), noise, columns, firstToken, firstRow + row, job);
                }

                nint partial = ((nint)piece * _maximumRows) + firstRow;
                if (job.ThroughLogits)
                {
                    MatrixKernel.Multiply(dy, SlabColumns, 1, _weight + ((nint)firstToken * _hidden), _hidden, _hiddenSums + (partial * _hidden),
                        _hidden, rows, _hidden, count, accumulate: firstToken > piece * PieceColumns);
                    AccumulateTransposed(dy, hidden, job.WeightGradient, _hidden, firstToken, count, rows);
                    AccumulateColumnSums(dy, job.BiasGradient, firstToken, count, rows);
                }

                AccumulateTransposed(y, generatorGradient, job.GeneratorEmbeddingGradient, _generatorWidth, firstToken, count, rows);
                AccumulateTransposed(y, discriminatorGradient, job.DiscriminatorEmbeddingGradient, _discriminatorWidth, firstToken, count, rows);
            }
        }
    }

    // From logits to y, and from the gradient with respect to y to that with respect to the logits.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void BackwardRow(float* y, float* dy, float* noise, int columns, int firstToken, int row, BackwardJob job)
    {
        if (job.Finished != null && job.Finished[row] != 0)
        {
            new Span<float>(y, columns).Clear();
            new Span<float>(dy, columns).Clear();
            return;
        }

        _ = AddBiasAndNoise(y, _bias + firstToken, noise, columns, firstToken, job.StepKey, (ulong)row);
        Vector512<float> largest = Vector512.Create(job.Maxima[row]), rate = Vector512.Create(BinaryLogarithmOfE / job.Temperature);
        Vector512<float> scale = Vector512.Create(1f / job.Sums[row]), centre = Vector512.Create(_centres[row]);
        Vector512<float> inverseTemperature = Vector512.Create(1f / job.Temperature);
        for (int column = 0; column < columns; column += Lanes)
        {
            Vector512<float> probability = PowerOfTwo((Vector512.Load(y + column) - largest) * rate) * scale;
            probability.Store(y + column);
            if (job.ThroughLogits)
            {
                (probability * (Vector512.Load(dy + column) - centre) * inverseTemperature).Store(dy + column);
            }
        }
    }

    private static void MultiplyGradient(float* gradient, float* tiles, int width, nint token, float* destination, int rows, bool accumulate)
    {
        if (gradient != null)
        {
            MatrixKernel.Multiply(gradient, width, 1, tiles + (token * width), Tile, destination, SlabColumns, rows, Tile, width, accumulate);
        }
    }

    // destination[token] += sum over rows of values[row, token] * factors[row].
    private static void AccumulateTransposed(float* values, float* factors, float* destination, int width, int firstToken, int count, int rows)
    {
        if (factors != null && destination != null)
        {
            float* target = destination + ((nint)firstToken * width);
            MatrixKernel.Multiply(values, 1, SlabColumns, factors, width, target, width, count, width, rows, accumulate: true);
        }
    }

    private static void AccumulateColumnSums(float* values, float* destination, int firstToken, int count, int rows)
    {
        if (destination == null)
        {
            return;
        }

        for (int column = 0; column < count; column += Lanes)
        {
            int lanes = Math.Min(Lanes, count - column);
            Vector512<float> sum = Load(destination + firstToken + column, lanes);
            for (int row = 0; row < rows; row++)
            {
                sum += Vector512.Load(values + (row * SlabColumns) + column);
            }

            Store(sum, destination + firstToken + column, lanes);
        }
    }

    private static float* Rows(float* matrix, int firstRow, int width) => matrix == null ? null : matrix + ((nint)firstRow * width);

    private static int Tiles(int columns) => (columns + Tile - 1) / Tile;

    private static float* Align(float* memory) => (float*)(((nint)memory + 63) & ~(nint)63);

    private static float* Allocate(nint count)
    {
        nuint bytes = (nuint)Math.Max(1, count) * sizeof(float);
        void* memory = NativeMemory.AlignedAlloc(bytes, 64);
        NativeMemory.Clear(memory, bytes);
        return (float*)memory;
    }

    private void Check(int rows, float temperature)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (rows < 1 || rows > _maximumRows || !(temperature > 0f) || float.IsInfinity(temperature))
        {
            throw new ArgumentException($"{rows} rows at temperature {temperature}: up to {_maximumRows} rows and a positive temperature are provided for.");
        }
    }

    private void Free()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        foreach (nint memory in new[]
        {
            (nint)_weightTiles, (nint)_generatorTiles, (nint)_discriminatorTiles, (nint)_bias, (nint)_generatorSums, (nint)_discriminatorSums,
            (nint)_hiddenSums, (nint)_maxima, (nint)_sums, (nint)_centres, (nint)_tokens,
        })
        {
            NativeMemory.AlignedFree((void*)memory);
        }
    }

    private sealed class BackwardJob(
        float* hidden, int rows, float temperature, RandomKey? stepKey, float* maxima, float* sums, float* generatorInputGradient,
        float* discriminatorInputGradient, byte* finished, bool throughLogits, float* weightGradient, float* biasGradient,
        float* generatorEmbeddingGradient, float* discriminatorEmbeddingGradient)
    {
        public readonly float* Hidden = hidden, Maxima = maxima, Sums = sums;
        public readonly int Rows = rows;
        public readonly float Temperature = temperature;
        public readonly RandomKey? StepKey = stepKey;
        public readonly float* GeneratorInputGradient = generatorInputGradient, DiscriminatorInputGradient = discriminatorInputGradient;
        public readonly byte* Finished = finished;
        public readonly bool ThroughLogits = throughLogits;
        public readonly float* WeightGradient = weightGradient, BiasGradient = biasGradient;
        public readonly float* GeneratorEmbeddingGradient = generatorEmbeddingGradient, DiscriminatorEmbeddingGradient = discriminatorEmbeddingGradient;
    }
}
