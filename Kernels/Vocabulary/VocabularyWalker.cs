using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GumbelGan.Randomness;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// The output layer h W' + b of a language model, computed a piece of the vocabulary and a few rows at a time. Its callers use a piece while it is in
/// cache, so that no matrix [N, V] is needed.
/// </summary>
/// <remarks>
/// <para>N rows, V vocabulary, H hidden, C the columns of a piece: its tokens, rounded up to a multiple of 64. The rows of a piece lie
/// <see cref="PieceColumns"/> floats apart. The columns beyond V have a bias of minus infinity, so that their exponentials are zero.</para>
/// <para>Pieces and blocks depend on the sizes alone: results do not depend on the number of threads.</para>
/// </remarks>
internal sealed unsafe class VocabularyWalker : IDisposable
{
    /// <summary>Columns of a piece, and rows at a time: 24 x 384 floats leave a quarter of a 48 KB first-level cache for the weights.</summary>
    public const int PieceColumns = 384, BlockRows = 24;

    /// <summary>Columns of a panel of the packed matrices; a piece has six.</summary>
    public const int Tile = PackedMatrix.Panel;

    private readonly int _vocabulary, _hidden, _lastTokens, _lastColumns;
    private readonly PackedMatrix _packed;
    private readonly NativeBuffer _bias;
    private float* _weight;

    /// <summary>Allocates memory for copies of W and b.</summary>
    /// <param name="vocabulary">V.</param>
    /// <param name="hidden">H.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public VocabularyWalker(int vocabulary, int hidden)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabulary);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hidden);
        (_vocabulary, _hidden) = (vocabulary, hidden);
        Pieces = (vocabulary + PieceColumns - 1) / PieceColumns;
        _lastTokens = vocabulary - FirstToken(Pieces - 1);
        _lastColumns = (_lastTokens + Tile - 1) / Tile * Tile;
        _packed = new PackedMatrix(hidden, vocabulary);
        _bias = new NativeBuffer((nint)Pieces * PieceColumns);
        new Span<float>(_bias.Pointer, Pieces * PieceColumns).Fill(float.NegativeInfinity);
    }

    /// <summary>How many pieces the vocabulary has.</summary>
    public int Pieces { get; }

    /// <summary>The first token of a piece.</summary>
    public static int FirstToken(int piece) => piece * PieceColumns;

    /// <summary>How many blocks of rows there are.</summary>
    public static int Blocks(int rows) => (rows + BlockRows - 1) / BlockRows;

    /// <summary>
    /// Copies the parameters; to be called whenever their values have changed. The weight itself is read later too and must stay where it is.
    /// </summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="weight">[V, H], W.</param>
    /// <param name="bias">[V], b; null for zeros.</param>
    public void Pack(RowParallel parallel, float* weight, float* bias)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        _weight = weight;
        _packed.PackTransposed(parallel, weight);
        var biases = new Span<float>(_bias.Pointer, _vocabulary);
        if (bias == null)
        {
            biases.Clear();
        }
        else
        {
            new ReadOnlySpan<float>(bias, _vocabulary).CopyTo(biases);
        }
    }

    /// <summary>How many tokens a piece has.</summary>
    public int Tokens(int piece) => piece < Pieces - 1 ? PieceColumns : _lastTokens;

    /// <summary>C, the columns of a piece.</summary>
    public int Columns(int piece) => piece < Pieces - 1 ? PieceColumns : _lastColumns;

    /// <summary>values = h W', without the bias.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="hidden">[rows, H], h.</param>
    /// <param name="rows">Rows, at best <see cref="BlockRows"/>.</param>
    /// <param name="values">[rows, C], overwritten.</param>
    public void Multiply(int piece, float* hidden, int rows, float* values)
    {
        int columns = Columns(piece);
        for (int column = 0; column < columns; column += Tile)
        {
            MultiplyTile(piece, column, _packed, hidden, _hidden, rows, values, accumulate: false);
        }
    }

    /// <summary>values = factors M', or values += factors M', for 64 columns of a piece; M is any matrix with a row for each token.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="column">The first of the columns, counted within the piece.</param>
    /// <param name="matrix">M, [V, width], packed.</param>
    /// <param name="factors">[rows, width].</param>
    /// <param name="width">Columns of M.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="values">[rows, C].</param>
    /// <param name="accumulate">Whether to add to what the values hold.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyTile(
        int piece, int column, PackedMatrix matrix, float* factors, int width, int rows, float* values, bool accumulate)
    {
        float* panel = matrix.PanelStart((FirstToken(piece) + column) / Tile);
        MatrixKernel.Multiply(factors, width, 1, panel, Tile, values + column, PieceColumns, rows, Tile, width, accumulate);
    }

    /// <summary>Adds the bias to one row of products.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="values">[C].</param>
    /// <returns>The largest.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float AddBias(int piece, float* values)
    {
        float* bias = _bias.Pointer + FirstToken(piece);
        int columns = Columns(piece);
        if (!Vector512.IsHardwareAccelerated)
        {
            return Maximum(NarrowVectorFunctions.AddAndFindLargest(values, bias, columns));
        }

        Vector512<float> maximum = Vector512.Create(float.NegativeInfinity);
        for (int column = 0; column < columns; column += Lanes)
        {
            Vector512<float> a = Vector512.Load(values + column) + Vector512.Load(bias + column);
            a.Store(values + column);
            maximum = Vector512.MaxNative(maximum, a);
        }

        return Maximum(maximum);
    }

    /// <summary>Adds the bias and <see cref="GumbelNoise"/> to one row of products.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="values">[C].</param>
    /// <param name="noise">[<see cref="PieceColumns"/>], overwritten.</param>
    /// <param name="key">The noise of this step.</param>
    /// <param name="row">The row, as <see cref="GumbelNoise"/> counts them.</param>
    /// <returns>The largest.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float AddBiasAndNoise(int piece, float* values, float* noise, RandomKey key, ulong row)
    {
        float* bias = _bias.Pointer + FirstToken(piece);
        int columns = Columns(piece);
        Vector512<float> maximum = Vector512.Create(float.NegativeInfinity);
        // Rounded up to an even number of tiles: VectorPhilox draws them in pairs.
        GumbelNoise.FillExponential(key.Value, (ulong)(FirstToken(piece) / Tile), row, noise, ((columns / Tile) + 1) & ~1);
        for (int column = 0; column < columns; column += 2 * Lanes)
        {
            Vector512<float> a = Vector512.Load(values + column) + Vector512.Load(bias + column);
            Vector512<float> b = Vector512.Load(values + column + Lanes) + Vector512.Load(bias + column + Lanes);
            a += GumbelNoise.NegativeLogarithm(Vector512.Load(noise + column));
            b += GumbelNoise.NegativeLogarithm(Vector512.Load(noise + column + Lanes));
            a.Store(values + column);
            b.Store(values + column + Lanes);
            maximum = Vector512.MaxNative(maximum, Vector512.MaxNative(a, b));
        }

        return Maximum(maximum);
    }

    /// <summary>
    /// result = values W, or result += values W: the piece's part of the gradient of h, where the values are the gradient of the logits.
    /// </summary>
    /// <param name="piece">The piece.</param>
    /// <param name="values">[rows, C].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="result">[rows, H].</param>
    /// <param name="accumulate">Whether to add to what the result holds.</param>
    public void MultiplyWeight(int piece, float* values, int rows, float* result, bool accumulate) =>
        MultiplyRows(piece, values, rows, _weight, _hidden, result, accumulate);

    /// <summary>result = values M, or result += values M, with the piece's rows of M. Where M is an embedding, it embeds the values.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="values">[rows, C].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="matrix">[V, width], M.</param>
    /// <param name="width">Columns of M.</param>
    /// <param name="result">[rows, width].</param>
    /// <param name="accumulate">Whether to add to what the result holds.</param>
    public void MultiplyRows(int piece, float* values, int rows, float* matrix, int width, float* result, bool accumulate) =>
        MatrixKernel.Multiply(
            values, PieceColumns, 1, matrix + ((nint)FirstToken(piece) * width), width, result, width, rows, width, Tokens(piece), accumulate);

    /// <summary>
    /// result = values' factors, or result += values' factors, in the piece's rows of the result: the gradient of W or of an embedding.
    /// </summary>
    /// <param name="piece">The piece.</param>
    /// <param name="values">[rows, C].</param>
    /// <param name="rows">Rows, at best 64.</param>
    /// <param name="factors">[rows, width].</param>
    /// <param name="width">Columns of the factors.</param>
    /// <param name="result">[V, width].</param>
    /// <param name="accumulate">Whether to add to what the result holds.</param>
    public void MultiplyTransposed(int piece, float* values, int rows, float* factors, int width, float* result, bool accumulate) =>
        MatrixKernel.MultiplyTransposed(
            values, PieceColumns, factors, width, result + ((nint)FirstToken(piece) * width), width, Tokens(piece), width, rows, accumulate);

    /// <inheritdoc/>
    public void Dispose()
    {
        _packed.Dispose();
        _bias.Dispose();
    }
}
