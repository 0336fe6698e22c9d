using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using GumbelGan.Randomness;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>One step of a roll-out: what its forward and backward passes share.</summary>
public unsafe struct RelaxedStep
{
    /// <summary>Gets or sets h, [N, H].</summary>
    public float* Hidden { get; set; }

    /// <summary>Gets or sets N, the number of rows.</summary>
    public int Rows { get; set; }

    /// <summary>Gets or sets the temperature, above zero.</summary>
    public float Temperature { get; set; }

    /// <summary>Gets or sets the noise of this step; null for none.</summary>
    public RandomKey? Key { get; set; }

    /// <summary>Gets or sets [N]: the row of <see cref="GumbelNoise"/> that each row takes; null where row r takes row r.</summary>
    public int* RowNumbers { get; set; }

    /// <summary>Gets or sets [N]: the forward pass writes each row's largest logit plus noise.</summary>
    public float* Maxima { get; set; }

    /// <summary>Gets or sets [N]: the forward pass writes each row's sum of exponentials.</summary>
    public float* Sums { get; set; }

    /// <summary>
    /// Gets or sets memory of <see cref="RelaxedVocabulary.KeptLength"/> floats in which the forward pass leaves the relaxed rows for the later
    /// ones; or null, and those make them again from the noise: slower where memory is plentiful, possible where it is not.
    /// </summary>
    public float* Kept { get; set; }
}

/// <summary>What a backward pass is given and where it puts its results. Null means zero going in and not wanted coming out.</summary>
public unsafe struct RelaxedGradients
{
    /// <summary>Gets or sets [N, E]: the embedded rows of the forward pass - the soft ones, also under straight-through.</summary>
    public float* GeneratorInput { get; set; }

    /// <summary>Gets or sets [N, F]: likewise for the discriminator's embedding.</summary>
    public float* DiscriminatorInput { get; set; }

    /// <summary>Gets or sets [N, E]: the gradient with respect to the generator's input.</summary>
    public float* GeneratorInputGradient { get; set; }

    /// <summary>Gets or sets [N, F]: the gradient with respect to the discriminator's input.</summary>
    public float* DiscriminatorInputGradient { get; set; }

    /// <summary>Gets or sets [N, H]: overwritten. Null where only the embeddings' gradients are wanted; then those of W and b are not made either.</summary>
    public float* Hidden { get; set; }

    /// <summary>Gets or sets [V, H]: added to.</summary>
    public float* Weight { get; set; }

    /// <summary>Gets or sets [V]: added to.</summary>
    public float* Bias { get; set; }

    /// <summary>Gets or sets [V, E]: added to.</summary>
    public float* GeneratorEmbedding { get; set; }

    /// <summary>Gets or sets [V, F]: added to.</summary>
    public float* DiscriminatorEmbedding { get; set; }
}

/// <summary>
/// From hidden states to relaxed token embeddings without the relaxed tokens: y = softmax((h W' + b + g) / temperature) is taken piece by
/// piece of the vocabulary, multiplied by up to two embedding matrices while it is in cache, and forgotten; the backward pass makes each
/// piece again from the counter-based noise, or takes it from memory that the caller has given for that. Without such memory nothing of
/// size [N, V] ever exists.
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
    // Backward keeps two matrices, y and its gradient, of 64 x 384 in the second-level cache: depth 64 for the weights' gradients, and
    // kept rows read as one stretch of memory.
    private const int SlabColumns = 384, BackwardRows = 64;
    private const int Tile = GumbelNoise.TileColumns;

    private readonly int _vocabulary, _hidden, _generatorWidth, _discriminatorWidth, _maximumRows, _pieces;
    // Weights by tiles of 64 tokens, transposed: [V / 64][width][64], zeros beyond V; the bias is minus infinity there.
    private readonly float* _weightTiles, _generatorTiles, _discriminatorTiles, _bias;
    // For each piece: [N, E] and [N, F] of unnormalised sums, [N] maxima, sums; backward [N, H].
    private readonly float* _generatorSums, _discriminatorSums, _maxima, _sums, _weights, _hiddenSums, _centres;
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
        _weights = Allocate(partialRows);
        _centres = Allocate(maximumRows);
        _tokens = (int*)Allocate(partialRows);
        new Span<float>(_bias, (int)padded).Fill(float.NegativeInfinity);
    }

    /// <summary>Floats of <see cref="RelaxedStep.Kept"/>; start them at a multiple of 64 bytes.</summary>
    public nint KeptLength => (nint)_pieces * _maximumRows * (PieceColumns + 1);

    /// <summary>Frees the memory, if <see cref="Dispose"/> was forgotten.</summary>
    ~RelaxedVocabulary() => Free();

    /// <summary>
    /// Takes the generator's parameters in the layout that the products want; to be called again whenever their values have changed. The
    /// matrices themselves are read later too and must stay where they are.
    /// </summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="weight">[V, H], W.</param>
    /// <param name="bias">[V], b; or null for zeros.</param>
    /// <param name="embedding">[V, E]; null where E is 0.</param>
    public void PackGenerator(RowParallel parallel, float* weight, float* bias, float* embedding)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        ObjectDisposedException.ThrowIf(_disposed, this);
        _weight = weight;
        _generatorEmbedding = embedding;
        Pack(parallel, weight, _hidden, _weightTiles);
        Pack(parallel, embedding, _generatorWidth, _generatorTiles);
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

    /// <summary>The same for the discriminator's embedding.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="embedding">[V, F].</param>
    public void PackDiscriminator(RowParallel parallel, float* embedding)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        ObjectDisposedException.ThrowIf(_disposed, this);
        _discriminatorEmbedding = embedding;
        Pack(parallel, embedding, _discriminatorWidth, _discriminatorTiles);
    }

    /// <summary>One step's relaxed embeddings.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="step">The step; its maxima, sums and kept rows are written.</param>
    /// <param name="generatorInput">[N, E], receives y times the generator's embedding; null where not wanted.</param>
    /// <param name="discriminatorInput">[N, F], receives y times the discriminator's embedding; null where not wanted.</param>
    /// <param name="tokens">[N], receives the column of the largest y; null where not wanted.</param>
    /// <exception cref="ArgumentException">More rows than announced, or a temperature that is not positive.</exception>
    public void Forward(RowParallel parallel, RelaxedStep step, float* generatorInput, float* discriminatorInput, int* tokens)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(step);
        int blocks = (step.Rows + ForwardRows - 1) / ForwardRows;
        parallel.For(_pieces * blocks, 1, (first, end) =>
        {
            for (int task = first; task < end; task++)
            {
                ForwardPiece(task / blocks, task % blocks * ForwardRows, step, generatorInput != null, discriminatorInput != null);
            }
        });

        float* weights = Weights(step);
        for (int row = 0; row < step.Rows; row++)
        {
            Merge(row, step, weights, tokens);
            Combine(_generatorSums, _generatorWidth, row, weights, generatorInput);
            Combine(_discriminatorSums, _discriminatorWidth, row, weights, discriminatorInput);
        }
    }

    /// <summary>The discriminator's input of a step done before, after the discriminator's embedding has changed and been packed.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="step">The step, as its forward pass left it.</param>
    /// <param name="discriminatorInput">[N, F], receives y times the discriminator's embedding.</param>
    /// <exception cref="ArgumentException">More rows than announced, or a temperature that is not positive.</exception>
    public void EmbedAgain(RowParallel parallel, RelaxedStep step, float* discriminatorInput)
    {
        if (step.Kept == null)
        {
            Forward(parallel, step, null, discriminatorInput, null);
            return;
        }

        ArgumentNullException.ThrowIfNull(parallel);
        Check(step);
        int blocks = (step.Rows + ForwardRows - 1) / ForwardRows;
        parallel.For(_pieces * blocks, 1, (first, end) =>
        {
            for (int task = first; task < end; task++)
            {
                int piece = task / blocks, firstRow = task % blocks * ForwardRows;
                EmbedPiece(piece, firstRow, Math.Min(ForwardRows, step.Rows - firstRow), step.Kept + KeptOffset(piece, firstRow),
                    _discriminatorEmbedding, _discriminatorWidth, _discriminatorSums);
            }
        });
        for (int row = 0; row < step.Rows; row++)
        {
            Combine(_discriminatorSums, _discriminatorWidth, row, Weights(step), discriminatorInput);
        }
    }

    /// <summary>The gradients of one step; those of the parameters are added to what is there.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="step">The step, as its forward pass left it.</param>
    /// <param name="gradients">What comes in and where the results go.</param>
    /// <exception cref="ArgumentException">More rows than announced, or a temperature that is not positive.</exception>
    public void Backward(RowParallel parallel, RelaxedStep step, RelaxedGradients gradients)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(step);
        for (int row = 0; row < step.Rows; row++)
        {
            // (dy . y) of a row, without y: it is the product of the embedded row with its own gradient.
            _centres[row] = Product(gradients.GeneratorInput, gradients.GeneratorInputGradient, row, _generatorWidth)
                + Product(gradients.DiscriminatorInput, gradients.DiscriminatorInputGradient, row, _discriminatorWidth);
        }

        bool throughLogits = gradients.Hidden != null && (gradients.GeneratorInputGradient != null || gradients.DiscriminatorInputGradient != null);
        parallel.For(_pieces, 1, (first, end) =>
        {
            for (int piece = first; piece < end; piece++)
            {
                BackwardPiece(piece, step, gradients, throughLogits);
            }
        });

        int length = gradients.Hidden == null ? 0 : step.Rows * _hidden;
        for (int start = 0; start < length; start += Lanes)
        {
            int count = Math.Min(Lanes, length - start);
            Vector512<float> total = Vector512<float>.Zero;
            for (int piece = 0; throughLogits && piece < _pieces; piece++)
            {
                total += Load(_hiddenSums + ((nint)piece * _maximumRows * _hidden) + start, count);
            }

            Store(total, gradients.Hidden + start, count);
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Pack(RowParallel parallel, float* matrix, int width, float* tiles) =>
        parallel.For((_vocabulary + Tile - 1) / Tile, 4, (first, end) =>
        {
            for (int tile = first; tile < end; tile++)
            {
                nint token = (nint)tile * Tile;
                MatrixKernel.Transpose(matrix + (token * width), (int)Math.Min(Tile, _vocabulary - token), width, tiles + (token * width), Tile);
            }
        });

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ForwardPiece(int piece, int firstRow, RelaxedStep step, bool generator, bool discriminator)
    {
        float* memory = stackalloc float[((ForwardRows + 1) * PieceColumns) + Lanes];
        float* noise = Align(memory), y = step.Kept == null ? noise + PieceColumns : step.Kept + KeptOffset(piece, firstRow);
        int firstToken = piece * PieceColumns, rows = Math.Min(ForwardRows, step.Rows - firstRow);
        int columns = Tiles(Math.Min(PieceColumns, _vocabulary - firstToken)) * Tile;
        float* hidden = step.Hidden + ((nint)firstRow * _hidden);
        for (int column = 0; column < columns; column += Tile)
        {
            MatrixKernel.Multiply(hidden, _hidden, 1, _weightTiles + ((nint)(firstToken + column) * _hidden), Tile,
                y + column, PieceColumns, rows, Tile, _hidden, accumulate: false);
        }

        nint partial = ((nint)piece * _maximumRows) + firstRow;
        for (int row = 0; row < rows; row++)
        {
            float* values = y + (row * PieceColumns);
            float largest = AddBiasAndNoise(values, _bias + firstToken, noise, columns, firstToken, step.Key, NumberOf(firstRow + row, step));
            _maxima[partial + row] = largest;
            _tokens[partial + row] = firstToken + GumbelSoftmaxKernel.IndexOf(values, columns, largest);
            // A piece of nothing but forbidden tokens must give zeros, not the NaN of infinity minus infinity.
            float shift = largest > float.NegativeInfinity ? largest : 0f;
            _sums[partial + row] = GumbelSoftmaxKernel.Exponentials(values, values, columns, shift, BinaryLogarithmOfE / step.Temperature);
        }

        if (generator)
        {
            EmbedPiece(piece, firstRow, rows, y, _generatorEmbedding, _generatorWidth, _generatorSums);
        }

        if (discriminator)
        {
            EmbedPiece(piece, firstRow, rows, y, _discriminatorEmbedding, _discriminatorWidth, _discriminatorSums);
        }
    }

    private void EmbedPiece(int piece, int firstRow, int rows, float* y, float* embedding, int width, float* sums)
    {
        int firstToken = piece * PieceColumns, count = Math.Min(PieceColumns, _vocabulary - firstToken);
        MatrixKernel.Multiply(y, PieceColumns, 1, embedding + ((nint)firstToken * width), width,
            sums + ((((nint)piece * _maximumRows) + firstRow) * width), width, rows, width, count, accumulate: false);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float AddBiasAndNoise(float* values, float* bias, float* noise, int columns, int firstToken, RandomKey? stepKey, ulong row)
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
        else if (!Vector512.IsHardwareAccelerated)
        {
            maximum = NarrowVectorFunctions.AddAndFindLargest(values, bias, columns);
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

    // The row's maximum, sum and token from those of its pieces, and by what to multiply each piece's exponentials to get y.
    private void Merge(int row, RelaxedStep step, float* weights, int* tokens)
    {
        float largest = float.NegativeInfinity, rate = BinaryLogarithmOfE / step.Temperature;
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
            weights[partial] = PowerOfTwo(Vector512.Create((_maxima[partial] - largest) * rate))[0];
            sum += _sums[partial] * (double)weights[partial];
        }

        for (int piece = 0; piece < _pieces; piece++)
        {
            weights[((nint)piece * _maximumRows) + row] /= (float)sum;
        }

        (step.Maxima[row], step.Sums[row]) = (largest, (float)sum);
        if (tokens != null)
        {
            tokens[row] = token;
        }
    }

    private void Combine(float* partials, int width, int row, float* weights, float* destination)
    {
        for (int column = 0; column < width && destination != null; column += Lanes)
        {
            int count = Math.Min(Lanes, width - column);
            Vector512<float> total = Vector512<float>.Zero;
            for (int piece = 0; piece < _pieces; piece++)
            {
                nint partial = ((nint)piece * _maximumRows) + row;
                total = Vector512.FusedMultiplyAdd(Load(partials + (partial * width) + column, count), Vector512.Create(weights[partial]), total);
            }

            Store(total, destination + ((nint)row * width) + column, count);
        }
    }

    private float* Weights(RelaxedStep step) => step.Kept == null ? _weights : step.Kept + ((nint)_pieces * _maximumRows * PieceColumns);

    private nint KeptOffset(int piece, int row) => (((nint)piece * _maximumRows) + row) * PieceColumns;

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
    private void BackwardPiece(int piece, RelaxedStep step, RelaxedGradients gradients, bool throughLogits)
    {
        float* memory = stackalloc float[(((2 * BackwardRows) + 1) * SlabColumns) + Lanes];
        float* noise = Align(memory), y = noise + SlabColumns, dy = y + (BackwardRows * SlabColumns);
        int pieceStart = piece * PieceColumns, pieceEnd = Math.Min(_vocabulary, pieceStart + PieceColumns);
        for (int firstToken = pieceStart; firstToken < pieceEnd; firstToken += SlabColumns)
        {
            int count = Math.Min(SlabColumns, pieceEnd - firstToken), columns = Tiles(count) * Tile;
            for (int firstRow = 0; firstRow < step.Rows; firstRow += BackwardRows)
            {
                int rows = Math.Min(BackwardRows, step.Rows - firstRow);
                float* hidden = step.Hidden + ((nint)firstRow * _hidden);
                float* generatorGradient = Rows(gradients.GeneratorInputGradient, firstRow, _generatorWidth);
                float* discriminatorGradient = Rows(gradients.DiscriminatorInputGradient, firstRow, _discriminatorWidth);
                for (int column = 0; column < columns; column += Tile)
                {
                    nint token = firstToken + column;
                    if (step.Kept == null)
                    {
                        MatrixKernel.Multiply(
                            hidden, _hidden, 1, _weightTiles + (token * _hidden), Tile, y + column, SlabColumns, rows, Tile, _hidden, accumulate: false);
                    }

                    if (throughLogits)
                    {
                        MultiplyGradient(generatorGradient, _generatorTiles, _generatorWidth, token, dy + column, rows, accumulate: false);
                        MultiplyGradient(discriminatorGradient, _discriminatorTiles, _discriminatorWidth, token, dy + column, rows,
                            accumulate: generatorGradient != null);
                    }
                }

                for (int row = 0; row < rows; row++)
                {
                    float* probabilities = y + (row * SlabColumns), gradient = throughLogits ? dy + (row * SlabColumns) : null;
                    MakeProbabilities(probabilities, noise, columns, firstToken, piece, firstRow + row, step);
                    if (throughLogits)
                    {
                        ThroughSoftmax(probabilities, gradient, columns, _centres[firstRow + row], 1f / step.Temperature);
                    }
                }

                nint partial = ((nint)piece * _maximumRows) + firstRow;
                if (throughLogits)
                {
                    MatrixKernel.Multiply(dy, SlabColumns, 1, _weight + ((nint)firstToken * _hidden), _hidden, _hiddenSums + (partial * _hidden),
                        _hidden, rows, _hidden, count, accumulate: firstToken > pieceStart);
                    AccumulateTransposed(dy, hidden, gradients.Weight, _hidden, firstToken, count, rows);
                    AccumulateColumnSums(dy, gradients.Bias, firstToken, count, rows);
                }

                AccumulateTransposed(y, generatorGradient, gradients.GeneratorEmbedding, _generatorWidth, firstToken, count, rows);
                AccumulateTransposed(y, discriminatorGradient, gradients.DiscriminatorEmbedding, _discriminatorWidth, firstToken, count, rows);
            }
        }
    }

    // y of one row, from what was kept, else from the logits in place.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MakeProbabilities(float* y, float* noise, int columns, int firstToken, int piece, int row, RelaxedStep step)
    {
        if (step.Kept != null)
        {
            float* kept = step.Kept + KeptOffset(piece, row) + (firstToken - (piece * PieceColumns));
            Vector512<float> weight = Vector512.Create(Weights(step)[((nint)piece * _maximumRows) + row]);
            for (int column = 0; column < columns; column += Lanes)
            {
                (Vector512.Load(kept + column) * weight).Store(y + column);
            }
        }
        else
        {
            _ = AddBiasAndNoise(y, _bias + firstToken, noise, columns, firstToken, step.Key, NumberOf(row, step));
            Vector512<float> largest = Vector512.Create(step.Maxima[row]), rate = Vector512.Create(BinaryLogarithmOfE / step.Temperature);
            Vector512<float> scale = Vector512.Create(1f / step.Sums[row]);
            for (int column = 0; column < columns; column += Lanes)
            {
                (PowerOfTwo((Vector512.Load(y + column) - largest) * rate) * scale).Store(y + column);
            }
        }
    }

    // From the gradient with respect to y to that with respect to the logits.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ThroughSoftmax(float* y, float* dy, int columns, float centre, float inverseTemperature)
    {
        Vector512<float> mean = Vector512.Create(centre), scale = Vector512.Create(inverseTemperature);
        for (int column = 0; column < columns; column += Lanes)
        {
            (Vector512.Load(y + column) * (Vector512.Load(dy + column) - mean) * scale).Store(dy + column);
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
            MatrixKernel.MultiplyTransposed(values, SlabColumns, factors, width, target, width, count, width, rows, accumulate: true);
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

    private static ulong NumberOf(int row, RelaxedStep step) => (ulong)(step.RowNumbers == null ? row : step.RowNumbers[row]);

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

    private void Check(RelaxedStep step)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (step.Rows < 1 || step.Rows > _maximumRows || !(step.Temperature > 0f) || float.IsInfinity(step.Temperature))
        {
            throw new ArgumentException(
                $"{step.Rows} rows at temperature {step.Temperature}: up to {_maximumRows} rows and a positive temperature are provided for.");
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
            (nint)_hiddenSums, (nint)_maxima, (nint)_sums, (nint)_weights, (nint)_centres, (nint)_tokens,
        })
        {
            NativeMemory.AlignedFree((void*)memory);
        }
    }
}
